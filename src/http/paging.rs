//! Lists page by page.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::errors::Problem;

/// Rows of a page when the caller does not say.
pub const LIMIT_DEFAULT: i64 = 100;

/// The most rows of a page: more would hold a reader for too long.
pub const LIMIT_MAX: i64 = 1_000;

/// The parameters every list takes.
#[derive(Debug, Default, Deserialize)]
pub struct PageQuery {
    limit: Option<String>,
    cursor: Option<String>,
}

/// A checked request for one page of a certain list.
#[derive(Debug)]
pub struct PageRequest {
    list: &'static str,
    /// Rows at most.
    pub limit: i64,
    /// The key of the last row of the page before, in as many parts as the list's key has.
    pub after: Option<Vec<String>>,
}

/// One page of a list.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// What to send as `cursor` for the next page; null on the last.
    pub next_cursor: Option<String>,
}

impl PageQuery {
    /// Checks the parameters for the list called `list`, whose key has `key_parts` parts.
    pub fn check(&self, list: &'static str, key_parts: usize) -> Result<PageRequest, Problem> {
        let limit = match &self.limit {
            None => LIMIT_DEFAULT,
            Some(text) => text.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit)).ok_or_else(|| {
                Problem::bad_parameter("limit", format!("must be a whole number from 1 to {LIMIT_MAX}"))
            })?,
        };
        let after = self.cursor.as_deref().map(|cursor| decode(list, key_parts, cursor)).transpose()?;
        Ok(PageRequest { list, limit, after })
    }
}

impl PageRequest {
    /// One row more than asked for: whether it comes tells whether there is a next page.
    pub fn limit_plus_one(&self) -> i64 {
        self.limit + 1
    }

    /// A part of the key to go on after, as its type; a cursor that was tampered with is a 400.
    pub fn key<T: std::str::FromStr>(&self, part: usize) -> Result<Option<T>, Problem> {
        let text = self.after.as_ref().and_then(|parts| parts.get(part));
        text.map(|text| text.parse().map_err(|_| wrong_cursor())).transpose()
    }

    /// The page of `rows`, which were asked for with [`PageRequest::limit_plus_one`].
    pub fn page<T>(&self, mut rows: Vec<T>, key: impl Fn(&T) -> Vec<String>) -> Page<T> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let last = rows.last().filter(|_| more);
        Page { next_cursor: last.map(|row| encode(self.list, &key(row))), items: rows }
    }
}

impl<T> Page<T> {
    /// A list that is short enough to be one page.
    pub fn whole(items: Vec<T>) -> Self {
        Self { items, next_cursor: None }
    }
}

fn encode(list: &str, key: &[String]) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::json!([list, key]).to_string())
}

fn decode(list: &str, key_parts: usize, cursor: &str) -> Result<Vec<String>, Problem> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| wrong_cursor())?;
    let (of, key): (String, Vec<String>) = serde_json::from_slice(&bytes).map_err(|_| wrong_cursor())?;
    let readable = key.iter().all(|part| !part.contains('\0'));
    if of == list && key.len() == key_parts && readable { Ok(key) } else { Err(wrong_cursor()) }
}

fn wrong_cursor() -> Problem {
    Problem::bad_parameter("cursor", "is not a next_cursor of this list; leave it out to begin at the first page")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(limit: Option<&str>, cursor: Option<&str>) -> PageQuery {
        PageQuery { limit: limit.map(str::to_owned), cursor: cursor.map(str::to_owned) }
    }

    #[test]
    fn a_limit_is_a_whole_number_from_1_to_1000() {
        for (good, limit) in [(None, 100), (Some("1"), 1), (Some("1000"), 1000)] {
            assert_eq!(query(good, None).check("teams", 1).unwrap().limit, limit);
        }
        for bad in ["0", "1001", "-1", "", "ten", "1.5", "99999999999999999999"] {
            assert!(query(Some(bad), None).check("teams", 1).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_next_page_begins_after_the_last_row_and_the_last_page_has_none() {
        let request = query(Some("2"), None).check("teams", 1).unwrap();
        let page = request.page(vec![1, 2, 3], |row: &i32| vec![row.to_string()]);
        assert_eq!(page.items, [1, 2]);
        let next = query(Some("2"), page.next_cursor.as_deref()).check("teams", 1).unwrap();
        assert_eq!(next.key::<i32>(0).unwrap(), Some(2));
        assert_eq!(next.page(vec![3, 4], |row: &i32| vec![row.to_string()]).next_cursor, None);
    }

    #[test]
    fn a_cursor_of_another_list_or_of_nobody_is_refused() {
        let cursor = encode("teams", &["2".to_owned()]);
        assert!(query(None, Some(&cursor)).check("teams", 1).is_ok());
        assert!(query(None, Some(&cursor)).check("accounts", 1).is_err());
        assert!(query(None, Some(&cursor)).check("teams", 2).is_err());
        assert!(query(None, Some("2")).check("teams", 1).is_err());
        assert!(query(None, Some(&encode("teams", &["\0".to_owned()]))).check("teams", 1).is_err());
        let tampered = query(None, Some(&encode("teams", &["x".to_owned()]))).check("teams", 1).unwrap();
        assert!(tampered.key::<i32>(0).is_err());
    }
}
