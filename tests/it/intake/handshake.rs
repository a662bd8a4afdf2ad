//! The handshake: the token, decoded, as plain text, whatever else the request holds.

use super::ground::Ground;
use crate::support::{TestDatabase, both_databases};

both_databases!(a_token_is_echoed_decoded_at_any_time_and_with_any_body);

async fn a_token_is_echoed_decoded_at_any_time_and_with_any_body(database: TestDatabase) {
    let ground = Ground::new(database).await;
    let listener = ground.listen().await;
    let long = "Validation: Testing client+app <script>%ä".repeat(50);
    assert!(long.len() > 2_000);
    for token in ["plain", "a+b c%d<e>f:g/h?i=j&k", &long] {
        for path in ["/graph/notifications", "/graph/lifecycle"] {
            for body in ["", "{", r#"{"value":[]}"#] {
                let query: String =
                    url::form_urlencoded::Serializer::new(String::new()).append_pair("validationToken", token).finish();
                let response = listener.post(&format!("{path}?{query}"), body).await;
                assert_eq!(response.status(), 200);
                assert_eq!(response.headers()["content-type"], "text/plain; charset=utf-8");
                assert_eq!(response.headers()["x-content-type-options"], "nosniff");
                assert_eq!(response.text().await.unwrap(), token);
            }
        }
    }
    let large = listener.post("/graph/notifications?validationToken=plain", vec![b'{'; 5_000_000]).await;
    assert_eq!(large.text().await.unwrap(), "plain");
    assert_eq!(ground.inbox.size().rows, 0);
    listener.stop().await;
}
