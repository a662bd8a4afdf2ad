//! Values of properties.
//!
//! A value is kept as its JSON text, each text once: a page is then written by joining texts, and a million users fit
//! into memory because departments, job titles and names repeat. All texts lie in one piece of memory, because most
//! are shorter than what it costs to keep them apart.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

/// A kept value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ValueId(u32);

/// The JSON texts of all values, never forgotten.
#[derive(Debug, Default)]
pub(super) struct Values {
    hasher: RandomState,
    /// By hash; of two texts with the same hash only the first is found again, the other is kept more than once.
    places: HashMap<u64, u32>,
    texts: String,
    /// Where each text ends.
    ends: Vec<usize>,
}

impl Values {
    pub(super) fn keep(&mut self, text: &str) -> ValueId {
        let hash = self.hasher.hash_one(text);
        if let Some(&place) = self.places.get(&hash)
            && self.text(ValueId(place)) == text
        {
            return ValueId(place);
        }
        let place = u32::try_from(self.ends.len()).expect("fewer than 2^32 different values");
        self.texts.push_str(text);
        self.ends.push(self.texts.len());
        self.places.entry(hash).or_insert(place);
        ValueId(place)
    }

    /// The JSON text of the value.
    pub(super) fn text(&self, id: ValueId) -> &str {
        let place = id.0 as usize;
        let start = if place == 0 { 0 } else { self.ends[place - 1] };
        &self.texts[start..self.ends[place]]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_are_kept_once_and_all_are_found_again() {
        let mut values = Values::default();
        let [ada, bob, again] = ["\"Ada\"", "null", "\"Ada\""].map(|text| values.keep(text));
        assert_eq!((ada, values.text(ada), values.text(bob)), (again, "\"Ada\"", "null"));
        assert_eq!(values.texts.len(), 9);
    }
}
