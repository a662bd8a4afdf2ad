//! Graph's error bodies, read leniently: `code` may be empty, the inner error has two spellings and nests.

use serde_json::Value;

/// Inner errors nest a few levels at most.
const INNER_DEPTH_MAX: usize = 8;

/// Codes and explanations are shown to people; longer ones are cut.
const TEXT_LENGTH_MAX: usize = 300;

/// The error object of an answer. Graph: errors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Refusal {
    /// Whether the body was an error object of Graph at all, and not the page of some proxy.
    pub(super) is_graphs: bool,
    /// The codes, outermost first, without empty ones.
    pub(super) codes: Vec<String>,
    /// The explanation.
    pub(super) message: Option<String>,
}

impl Refusal {
    /// Reads what can be read; anything else gives a refusal without code.
    pub(super) fn of(body: &Value) -> Self {
        let Some(error) = body.get("error").filter(|error| error.is_object()) else { return Self::default() };
        let mut codes = Vec::new();
        let mut layer = Some(error);
        for _ in 0..INNER_DEPTH_MAX {
            let Some(error) = layer else { break };
            codes.extend(text(error, "code"));
            layer = error.get("innerError").or_else(|| error.get("innererror"));
        }
        Self { is_graphs: true, codes, message: text(error, "message") }
    }

    /// The outermost code that says anything.
    pub(super) fn code(&self) -> Option<String> {
        self.codes.first().cloned()
    }

    /// The explanation, or the code, or nothing.
    pub(super) fn detail(&self) -> String {
        self.message.clone().or_else(|| self.code()).unwrap_or_else(|| "no explanation was given".to_owned())
    }

    /// Whether any code contains one of `words`, in any case: Graph's own spelling varies.
    pub(super) fn has_code_like(&self, words: &[&str]) -> bool {
        self.codes.iter().map(|code| code.to_ascii_lowercase()).any(|code| words.iter().any(|word| code.contains(word)))
    }
}

fn text(error: &Value, key: &str) -> Option<String> {
    let text = error.get(key)?.as_str()?.trim();
    (!text.is_empty()).then(|| text.chars().take(TEXT_LENGTH_MAX).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn codes_are_found_in_both_spellings_of_the_inner_error() {
        let body =
            json!({"error": {"code": "", "message": "m", "innererror": {"code": "A", "innerError": {"code": "B"}}}});
        let refusal = Refusal::of(&body);
        assert_eq!(refusal.codes, ["A", "B"]);
        assert_eq!(refusal.code().as_deref(), Some("A"));
        assert!(refusal.has_code_like(&["b"]));
    }

    #[test]
    fn a_body_of_another_kind_is_not_graphs() {
        for body in [json!(null), json!("no"), json!({"error": "invalid_client"}), json!([])] {
            assert!(!Refusal::of(&body).is_graphs, "{body}");
        }
    }
}
