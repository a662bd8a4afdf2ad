//! Functions that give another value each time; stable only under `apply = on_create`.

use serde_json::Value;

use crate::expression::catalog::Function;
use crate::expression::evaluate::{Arguments, Context, Evaluation, EvaluationError};

type Answer = Result<Value, EvaluationError>;

/// Entra's limit for `RandomString`.
const RANDOM_CHARACTERS_MAX: usize = 256;

const PARAMETERS: &str =
    "Length, MinimumNumbers, MinimumSpecialCharacters, MinimumCapital, MinimumLowerCase, CharactersToAvoid";

/// Numbers, special characters, capitals, lower case: in the order of the parameters. The special characters are those
/// of Windows' password complexity rule, which the reference points to.
const CLASSES: [&str; 4] =
    ["0123456789", "~!@#$%^&*_-+=`|\\(){}[]:;\"'<>,.?/", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"];

pub(super) static FUNCTIONS: [Function; 2] = [
    Function::new("Guid", "", 0, guid).unrepeatable(),
    Function::new("RandomString", PARAMETERS, 5, random_string).optional(Some(6), &[5]).unrepeatable(),
];

/// A version 4 GUID (RFC 9562 section 5.4).
fn guid(_: &Arguments<'_>, evaluation: &mut Evaluation<'_, '_>) -> Answer {
    let (high, low) = ((evaluation.context.random)(), (evaluation.context.random)());
    let high = high & !0xf000 | 0x4000;
    let low = low >> 2 | 1 << 63;
    let text = format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff
    );
    Ok(text.into())
}

/// Beyond the minimums, only classes that were asked for are drawn from; letters and digits when none was.
fn random_string(arguments: &Arguments<'_>, evaluation: &mut Evaluation<'_, '_>) -> Answer {
    let length = amount(arguments, 0, evaluation)?;
    let mut minimums = [0; 4];
    for (index, minimum) in minimums.iter_mut().enumerate() {
        *minimum = amount(arguments, index + 1, evaluation)?;
    }
    if minimums.iter().sum::<usize>() > length {
        return Err(arguments.refuse("has minimums that add up to more than its length"));
    }
    let avoided = arguments.text(5, evaluation)?.unwrap_or_default();
    let is_any = minimums.iter().all(|&minimum| minimum == 0);
    let mut drawn = Vec::with_capacity(length);
    let mut all = Vec::new();
    for (class, (characters, &minimum)) in CLASSES.iter().zip(&minimums).enumerate() {
        let allowed: Vec<char> = characters.chars().filter(|character| !avoided.contains(*character)).collect();
        if minimum > 0 && allowed.is_empty() {
            return Err(arguments.refuse("is to avoid every character of a kind it must use"));
        }
        drawn.extend((0..minimum).map(|_| allowed[below(evaluation.context, allowed.len())]));
        if minimum > 0 || is_any && class != 1 {
            all.extend(allowed);
        }
    }
    if drawn.len() < length && all.is_empty() {
        return Err(arguments.refuse("is to avoid every character it could use"));
    }
    drawn.extend((drawn.len()..length).map(|_| all[below(evaluation.context, all.len())]));
    Ok(shuffled(drawn, evaluation.context).into())
}

fn amount(
    arguments: &Arguments<'_>,
    index: usize,
    evaluation: &mut Evaluation<'_, '_>,
) -> Result<usize, EvaluationError> {
    let number = arguments.whole(index, evaluation)?.and_then(|number| usize::try_from(number).ok());
    number.filter(|&number| number <= RANDOM_CHARACTERS_MAX).ok_or_else(|| {
        arguments.refuse(format!("needs a number from 0 to {RANDOM_CHARACTERS_MAX} as argument {}", index + 1))
    })
}

fn shuffled(mut characters: Vec<char>, context: &mut Context<'_>) -> String {
    for last in (1..characters.len()).rev() {
        let other = below(context, last + 1);
        characters.swap(last, other);
    }
    characters.into_iter().collect()
}

/// A number below `count`, which is at most a few hundred: the remainder's bias lies under 2^-55.
fn below(context: &mut Context<'_>, count: usize) -> usize {
    let remainder = (context.random)() % count as u64;
    usize::try_from(remainder).unwrap_or(0)
}
