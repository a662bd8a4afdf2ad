//! The packed form of a batch: about 18 bytes for each notification.
//!
//! ```text
//! form (1 byte) · number of connections · each: length, name · entries until the end, each: sign (1 byte) ·
//! index of its connection · id (16 bytes)
//! ```
//! Numbers are LEB128. Another form gets another first byte: processes of two versions may share one inbox.

use std::collections::HashMap;

use uuid::Uuid;

use crate::directory::ConnectionId;
use crate::store::error::StoreError;

/// The form written by this version.
const FORM: u8 = 1;

/// Bytes of an id.
const ID_BYTES: usize = 16;

/// What an entry says about its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sign {
    /// A user changed.
    UserChanged,
    /// A user was deleted for good.
    UserDeleted,
    /// A group changed.
    GroupChanged,
    /// A group was deleted for good.
    GroupDeleted,
    /// A group's notification named this member.
    MemberNamed,
    /// The subscription of this id must be renewed.
    SubscriptionEnding,
    /// The subscription of this id is gone.
    SubscriptionRemoved,
    /// Notifications of the subscription of this id were lost, or something unknown happened to it.
    NotificationsMissed,
}

impl Sign {
    const ALL: [Self; 8] = [
        Self::UserChanged,
        Self::UserDeleted,
        Self::GroupChanged,
        Self::GroupDeleted,
        Self::MemberNamed,
        Self::SubscriptionEnding,
        Self::SubscriptionRemoved,
        Self::NotificationsMissed,
    ];

    /// Written to disk: never renumber.
    fn code(self) -> u8 {
        match self {
            Self::UserChanged => 1,
            Self::UserDeleted => 2,
            Self::GroupChanged => 3,
            Self::GroupDeleted => 4,
            Self::MemberNamed => 5,
            Self::SubscriptionEnding => 6,
            Self::SubscriptionRemoved => 7,
            Self::NotificationsMissed => 8,
        }
    }

    fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|sign| sign.code() == code)
    }
}

/// One thing a batch tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Whose.
    pub connection: &'a str,
    /// What.
    pub sign: Sign,
    /// Of which object or subscription.
    pub id: Uuid,
}

/// A batch as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackedBatch(Vec<u8>);

/// Collects entries into a [`PackedBatch`].
#[derive(Debug, Default)]
pub struct Packer {
    connections: Vec<ConnectionId>,
    indices: HashMap<ConnectionId, usize>,
    entries: Vec<u8>,
    latest: usize,
}

impl Packer {
    /// Adds an entry.
    pub fn push(&mut self, connection: &ConnectionId, sign: Sign, id: Uuid) {
        let index = self.index_of(connection);
        self.entries.push(sign.code());
        push_number(&mut self.entries, index);
        self.entries.extend_from_slice(id.as_bytes());
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The batch.
    pub fn finish(self) -> PackedBatch {
        let mut bytes = vec![FORM];
        push_number(&mut bytes, self.connections.len());
        for connection in &self.connections {
            push_number(&mut bytes, connection.as_str().len());
            bytes.extend_from_slice(connection.as_str().as_bytes());
        }
        bytes.extend_from_slice(&self.entries);
        PackedBatch(bytes)
    }

    fn index_of(&mut self, connection: &ConnectionId) -> usize {
        // Notifications of one connection come in a row.
        if self.connections.get(self.latest) != Some(connection) {
            let next = self.connections.len();
            // Most bodies are of one connection and need no map; the first may be named twice for it.
            self.latest = match next {
                0 => 0,
                _ => *self.indices.entry(connection.clone()).or_insert(next),
            };
            if self.latest == next {
                self.connections.push(connection.clone());
            }
        }
        self.latest
    }
}

impl PackedBatch {
    pub(super) fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether this version can read it; `false` is the work of a newer one.
    pub fn is_readable(&self) -> bool {
        self.0.first() == Some(&FORM)
    }

    /// Calls `visit` with each entry.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the bytes are not what [`Packer::finish`] wrote.
    pub fn for_each(&self, mut visit: impl FnMut(Entry<'_>)) -> Result<(), StoreError> {
        let mut rest = Reader(&self.0);
        if rest.take(1)? != [FORM] {
            return Err(corrupt("another form"));
        }
        let count = rest.number()?;
        // Not `with_capacity`: the number is not to be trusted before the names have been read.
        let mut connections = Vec::new();
        for _ in 0..count {
            let length = rest.number()?;
            connections.push(std::str::from_utf8(rest.take(length)?).map_err(corrupt)?);
        }
        while !rest.0.is_empty() {
            let sign = Sign::from_code(rest.take(1)?[0]).ok_or_else(|| corrupt("an unknown sign"))?;
            let index = rest.number()?;
            let connection = connections.get(index).ok_or_else(|| corrupt("an unknown connection"))?;
            let id = Uuid::from_slice(rest.take(ID_BYTES)?).map_err(corrupt)?;
            visit(Entry { connection, sign, id });
        }
        Ok(())
    }
}

fn corrupt(detail: impl ToString) -> StoreError {
    StoreError::corrupt("inbox.batch", detail)
}

fn push_number(bytes: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], StoreError> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or_else(|| corrupt("it ends too early"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn number(&mut self) -> Result<usize, StoreError> {
        let mut number = 0_usize;
        for shift in (0..usize::BITS).step_by(7) {
            let byte = self.take(1)?[0];
            number |= usize::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(corrupt("a number without end"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(number: usize) -> ConnectionId {
        format!("connection-{number}").parse().unwrap()
    }

    fn unpacked(batch: &PackedBatch) -> Vec<(String, Sign, Uuid)> {
        let mut entries = Vec::new();
        batch.for_each(|entry| entries.push((entry.connection.to_owned(), entry.sign, entry.id))).unwrap();
        entries
    }

    #[test]
    fn every_entry_comes_back_in_order_with_its_connection() {
        let mut packer = Packer::default();
        let mut expected = Vec::new();
        for number in 0..700_usize {
            let sign = Sign::ALL[number % Sign::ALL.len()];
            let id = Uuid::from_u128(number as u128);
            packer.push(&connection(number % 300), sign, id);
            expected.push((connection(number % 300).to_string(), sign, id));
        }
        assert_eq!(unpacked(&packer.finish()), expected);
    }

    #[test]
    fn a_notification_takes_eighteen_bytes() {
        let mut packer = Packer::default();
        (0..50).for_each(|number| packer.push(&connection(1), Sign::UserChanged, Uuid::from_u128(number)));
        assert_eq!(packer.finish().as_bytes().len(), 1 + 1 + 1 + "connection-1".len() + 50 * 18);
    }

    #[test]
    fn damaged_bytes_are_corrupt_and_never_panic() {
        let mut packer = Packer::default();
        packer.push(&connection(1), Sign::GroupDeleted, Uuid::from_u128(7));
        let good = packer.finish();
        for length in 0..good.as_bytes().len() {
            let cut = PackedBatch(good.as_bytes()[..length].to_vec());
            let whole_header = 3 + "connection-1".len();
            assert_eq!(cut.for_each(|_| ()).is_ok(), length == whole_header, "{length}");
        }
        assert!(
            PackedBatch(vec![FORM, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])
                .for_each(|_| ())
                .is_err()
        );
    }

    #[test]
    fn a_batch_of_another_form_is_left_to_whoever_wrote_it() {
        assert!(!PackedBatch(vec![FORM + 1]).is_readable());
    }
}
