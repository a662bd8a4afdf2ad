//! Checks of single values that need more than their type.

use secrecy::{ExposeSecret as _, SecretString};

use crate::directory::rules::{ConnectionSettings, FieldError};

/// The most addresses that are mailed about one connection.
const ALERTS_MAX: usize = 50;

/// What is wrong with values beyond what the rules of provisioning check.
pub fn problems(settings: &ConnectionSettings) -> Vec<FieldError> {
    let mut problems = Vec::new();
    if settings.reconcile.at.as_deref().is_some_and(|at| !is_time(at)) {
        problems.push(FieldError::new("reconcile.at", "must be a time from \"00:00\" to \"23:59\""));
    }
    if settings.reconcile.time_zone.parse::<chrono_tz::Tz>().is_err() {
        let message =
            format!("{:?} is no time zone; use an IANA name such as Europe/London", settings.reconcile.time_zone);
        problems.push(FieldError::new("reconcile.time_zone", message));
    }
    if settings.alerts.len() > ALERTS_MAX {
        problems.push(FieldError::new("alerts", format!("at most {ALERTS_MAX} addresses")));
    }
    let wrong = settings.alerts.iter().enumerate().filter(|(_, address)| !is_address(address));
    problems.extend(wrong.map(|(index, _)| FieldError::new(format!("alerts[{index}]"), "must be an e-mail address")));
    problems
}

/// What is wrong with a client id and secret.
pub fn credential_problems(client_id: &str, client_secret: Option<&SecretString>) -> Vec<FieldError> {
    let mut problems = Vec::new();
    if client_id.is_empty() {
        problems.push(FieldError::new("credentials.client_id", "is required: the application (client) id"));
    } else if client_id.contains(|character: char| character.is_whitespace() || character.is_control()) {
        problems.push(FieldError::new("credentials.client_id", "must not hold spaces"));
    }
    if client_secret.is_some_and(|secret| secret.expose_secret().trim().is_empty()) {
        problems.push(FieldError::new("credentials.client_secret", "must not be empty"));
    }
    problems
}

fn is_time(text: &str) -> bool {
    let two_digits = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    let digits = |part: &str| part.parse::<u8>().ok().filter(|_| two_digits(part));
    let Some((hours, minutes)) = text.split_once(':') else { return false };
    digits(hours).is_some_and(|hours| hours < 24) && digits(minutes).is_some_and(|minutes| minutes < 60)
}

fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    !local.is_empty() && !domain.is_empty() && !text.contains(|c: char| c.is_whitespace() || c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_two_digits_each_and_is_of_one_day() {
        for good in ["00:00", "02:00", "23:59"] {
            assert!(is_time(good), "{good}");
        }
        for bad in ["", "2:00", "24:00", "12:60", "1200", "12:00:00", "+1:00", "ab:cd"] {
            assert!(!is_time(bad), "{bad}");
        }
    }
}
