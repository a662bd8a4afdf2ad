//! One honest word for the state of a connection, and the reason for it.

use serde::Serialize;

/// From this many changes in an hour that delta was first to find, without any notification, a connection is silent.
pub const SILENT_DELTA_CHANGES_MIN: u64 = 3;

/// The state of a connection in one word, in the order in which they apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// An administrator paused it; it still accepts, stores and renews.
    Paused,
    /// It is slowed after repeated failure, with a next attempt.
    Quarantined,
    /// The accidental-deletion guard holds leavers until somebody decides.
    Held,
    /// It goes on, but a person should look.
    Attention,
    /// Its subscriptions are being made.
    Connecting,
    /// Its initial cycle runs.
    Syncing,
    /// Delta finds what notifications should have announced.
    Silent,
    /// All is well.
    Healthy,
}

impl Status {
    /// All of them, in the order in which they apply.
    pub const ALL: [Self; 8] = [
        Self::Paused,
        Self::Quarantined,
        Self::Held,
        Self::Attention,
        Self::Connecting,
        Self::Syncing,
        Self::Silent,
        Self::Healthy,
    ];

    /// The word used in replies and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Paused => "paused",
            Self::Quarantined => "quarantined",
            Self::Held => "held",
            Self::Attention => "attention",
            Self::Connecting => "connecting",
            Self::Syncing => "syncing",
            Self::Silent => "silent",
            Self::Healthy => "healthy",
        }
    }
}

/// What the state is judged by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// An administrator paused it.
    pub paused: bool,
    /// Why it is quarantined and what to do; `None` while it is not.
    pub quarantine: Option<String>,
    /// Runs the guard holds.
    pub held_runs: u64,
    /// The subscriptions there should be.
    pub subscriptions: Vec<SubscriptionFinding>,
    /// Names of scope groups that are gone.
    pub gone_scope_groups: Vec<String>,
    /// People given up after repeated failure.
    pub buried: u64,
    /// Whether the initial cycle ended.
    pub initial_cycle_done: bool,
    /// Changes of the last hour that delta was first to find.
    pub delta_changes_last_hour: u64,
    /// Notifications of the last hour.
    pub notifications_last_hour: u64,
}

/// How one subscription stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionFinding {
    /// `users` or `groups`.
    pub resource: String,
    /// How it stands.
    pub standing: SubscriptionStanding,
}

/// How a subscription stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubscriptionStanding {
    /// Graph has it.
    Live,
    /// There is none: not made yet, lost or run out.
    Missing,
    /// Graph refused it.
    Refused(String),
}

/// The first state that applies, and the reason in a sentence unless all is well.
pub fn status(findings: &Findings) -> (Status, Option<String>) {
    if findings.paused {
        return (Status::Paused, Some("Paused by an administrator; resume it to go on.".to_owned()));
    }
    if let Some(cause) = &findings.quarantine {
        return (Status::Quarantined, Some(cause.clone()));
    }
    if findings.held_runs > 0 {
        let reason = "The accidental-deletion guard holds a run; look at its plan, then allow or reject it.";
        return (Status::Held, Some(reason.to_owned()));
    }
    if let Some(reason) = attention(findings) {
        return (Status::Attention, Some(reason));
    }
    underway(findings)
}

fn attention(findings: &Findings) -> Option<String> {
    if let [name, ..] = findings.gone_scope_groups.as_slice() {
        return Some(format!("The scope group {name} is gone from the directory; restore it or change the scope."));
    }
    for subscription in &findings.subscriptions {
        let resource = &subscription.resource;
        match &subscription.standing {
            SubscriptionStanding::Refused(error) => {
                return Some(format!("Graph refused the subscription to {resource}: {error}"));
            }
            SubscriptionStanding::Missing if findings.initial_cycle_done => {
                return Some(format!(
                    "The subscription to {resource} is missing; delta and reconcile go on while it is made again."
                ));
            }
            SubscriptionStanding::Missing | SubscriptionStanding::Live => {}
        }
    }
    let buried = findings.buried;
    (buried > 0)
        .then(|| format!("{buried} could not be provisioned after repeated attempts; see the provisioning log."))
}

fn underway(findings: &Findings) -> (Status, Option<String>) {
    let missing = |finding: &SubscriptionFinding| finding.standing == SubscriptionStanding::Missing;
    if findings.subscriptions.iter().any(missing) {
        return (Status::Connecting, Some("Subscribing to change notifications.".to_owned()));
    }
    if !findings.initial_cycle_done {
        return (Status::Syncing, Some("The initial cycle runs.".to_owned()));
    }
    let delta = findings.delta_changes_last_hour;
    if delta >= SILENT_DELTA_CHANGES_MIN && findings.notifications_last_hour == 0 {
        let reason = format!("Delta found {delta} changes in the last hour that no notification announced.");
        return (Status::Silent, Some(reason));
    }
    (Status::Healthy, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subscription(standing: SubscriptionStanding) -> SubscriptionFinding {
        SubscriptionFinding { resource: "users".to_owned(), standing }
    }

    fn everything_at_once() -> Findings {
        Findings {
            paused: true,
            quarantine: Some("The client secret expired.".to_owned()),
            held_runs: 1,
            subscriptions: vec![subscription(SubscriptionStanding::Missing)],
            gone_scope_groups: vec!["Staff".to_owned()],
            buried: 2,
            initial_cycle_done: false,
            delta_changes_last_hour: SILENT_DELTA_CHANGES_MIN,
            notifications_last_hour: 0,
        }
    }

    #[test]
    fn the_first_state_that_applies_is_told() {
        let mut findings = everything_at_once();
        let mut told = Vec::new();
        let mut tell = |findings: &Findings| told.push(status(findings).0);
        tell(&findings);
        findings.paused = false;
        tell(&findings);
        findings.quarantine = None;
        tell(&findings);
        findings.held_runs = 0;
        tell(&findings);
        findings.gone_scope_groups.clear();
        tell(&findings);
        findings.buried = 0;
        tell(&findings);
        findings.subscriptions = vec![subscription(SubscriptionStanding::Live)];
        tell(&findings);
        findings.initial_cycle_done = true;
        tell(&findings);
        findings.notifications_last_hour = 1;
        tell(&findings);
        use Status::*;
        assert_eq!(told, [Paused, Quarantined, Held, Attention, Attention, Connecting, Syncing, Silent, Healthy]);
    }

    #[test]
    fn a_subscription_lost_after_the_initial_cycle_needs_attention_a_refused_one_always_does() {
        let lost = Findings {
            initial_cycle_done: true,
            subscriptions: vec![subscription(SubscriptionStanding::Missing)],
            ..Findings::default()
        };
        assert_eq!(status(&lost).0, Status::Attention);
        let refused = Findings {
            subscriptions: vec![subscription(SubscriptionStanding::Refused("not allowed".to_owned()))],
            ..Findings::default()
        };
        let (word, reason) = status(&refused);
        assert_eq!(word, Status::Attention);
        assert_eq!(reason.unwrap(), "Graph refused the subscription to users: not allowed");
    }

    #[test]
    fn a_state_is_one_word_everywhere() {
        for status in Status::ALL {
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        }
    }

    #[test]
    fn every_state_but_healthy_has_a_reason() {
        let mut findings = everything_at_once();
        assert!(status(&findings).1.is_some());
        findings = Findings { initial_cycle_done: true, ..Findings::default() };
        assert_eq!(status(&findings), (Status::Healthy, None));
    }
}
