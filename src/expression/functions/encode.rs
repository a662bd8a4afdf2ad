//! Functions on bits and encodings.

use std::fmt::Write;

use serde_json::Value;

use crate::expression::bounded::RESULT_BYTES_MAX;
use crate::expression::catalog::Function;
use crate::expression::evaluate::{Arguments, Evaluation, EvaluationError};

type Answer = Result<Value, EvaluationError>;

pub(super) static FUNCTIONS: [Function; 3] = [
    Function::new("BitAnd", "value1, value2", 2, bit_and),
    Function::new("ConvertToBase64", "source", 1, convert_to_base64),
    Function::new("ConvertToUTF8Hex", "source", 1, convert_to_utf8_hex),
];

/// The alphabet of RFC 4648 section 4.
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn bit_and(arguments: &Arguments<'_>, evaluation: &mut Evaluation<'_, '_>) -> Answer {
    let (left, right) = (arguments.whole(0, evaluation)?, arguments.whole(1, evaluation)?);
    Ok(left.zip(right).map(|(left, right)| left & right).into())
}

/// "Unicode" is .NET's word for UTF-16, little-endian.
fn convert_to_base64(arguments: &Arguments<'_>, evaluation: &mut Evaluation<'_, '_>) -> Answer {
    let Some(source) = arguments.text(0, evaluation)? else { return Ok(Value::Null) };
    let bytes: Vec<u8> = source.encode_utf16().take(RESULT_BYTES_MAX).flat_map(u16::to_le_bytes).collect();
    Ok(base64(&bytes).into())
}

fn base64(bytes: &[u8]) -> String {
    let mut encoded = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let bits = (0..3).fold(0, |bits, index| bits << 8 | usize::from(chunk.get(index).copied().unwrap_or(0)));
        for index in 0..4 {
            let sextet = BASE64[bits >> (18 - 6 * index) & 63];
            encoded.push(if index <= chunk.len() { char::from(sextet) } else { '=' });
        }
    }
    encoded
}

fn convert_to_utf8_hex(arguments: &Arguments<'_>, evaluation: &mut Evaluation<'_, '_>) -> Answer {
    let Some(source) = arguments.text(0, evaluation)? else { return Ok(Value::Null) };
    let mut encoded = String::new();
    for byte in source.bytes().take(RESULT_BYTES_MAX) {
        // Writing to a String cannot fail.
        let _ = write!(encoded, "{byte:02X}");
    }
    Ok(encoded.into())
}
