//! Text that is built piece by piece and cannot outgrow its bound.

/// The longest text or list a function may build, in bytes: nested replacements multiply, and memory is shared by all.
pub(super) const RESULT_BYTES_MAX: usize = 65_536;

/// A text under construction.
#[derive(Debug, Default)]
pub(super) struct BoundedText(String);

/// The text would have become longer than [`RESULT_BYTES_MAX`].
#[derive(Debug)]
pub(super) struct TooLong;

impl BoundedText {
    pub(super) fn push(&mut self, piece: &str) -> Result<(), TooLong> {
        if self.0.len() + piece.len() > RESULT_BYTES_MAX {
            return Err(TooLong);
        }
        self.0.push_str(piece);
        Ok(())
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}

/// All `old` in `text` become `new`; an empty `old` occurs nowhere.
pub(super) fn replace_all(text: &str, old: &str, new: &str) -> Result<String, TooLong> {
    let mut built = BoundedText::default();
    if old.is_empty() {
        built.push(text)?;
        return Ok(built.finish());
    }
    for (index, piece) in text.split(old).enumerate() {
        if index > 0 {
            built.push(new)?;
        }
        built.push(piece)?;
    }
    Ok(built.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_would_outgrow_the_bound_is_not_built() {
        let (many, long) = ("a".repeat(1_000), "b".repeat(1_000));
        assert!(replace_all(&many, "a", &long).is_err());
        assert_eq!(replace_all(&many[..65], "a", &long).unwrap().len(), 65_000);
        let mut full = BoundedText::default();
        assert!(full.push(&"c".repeat(RESULT_BYTES_MAX)).is_ok() && full.push("c").is_err());
    }

    #[test]
    fn an_empty_text_occurs_nowhere() {
        assert_eq!(replace_all("abc", "", "x").unwrap(), "abc");
        assert_eq!(replace_all("abab", "b", "").unwrap(), "aa");
    }
}
