//! What is asked of the intake, as a part of what the machine could do.

use crate::clients::Figures;

/// At one notification a POST the disk decides: at least this part of a bare file with group commit.
const OF_RAW_LOG_MIN: f64 = 0.4;

/// At fifty the reading decides: at least this part of parsing alone.
const OF_PARSING_MIN: f64 = 0.6;

/// Prints and judges how the intake stands on either database.
pub fn judge(batch_size: usize, table: &[(&str, Figures)]) -> bool {
    let (yardstick, wanted) = if batch_size == 1 { ("/raw-log", OF_RAW_LOG_MIN) } else { ("/parse", OF_PARSING_MIN) };
    let rate = |path: &str| table.iter().find(|(name, _)| *name == path).map_or(0.0, |(_, f)| f.answers_per_second);
    let mut is_good = true;
    for path in ["/sqlite", "/postgresql"] {
        let ratio = rate(path) / rate(yardstick).max(1.0);
        let word = if ratio >= wanted { "good" } else { "TOO SLOW" };
        is_good &= ratio >= wanted;
        println!("{} / {} = {ratio:.2} (at least {wanted}): {word}", &path[1..], &yardstick[1..]);
    }
    println!();
    is_good
}
