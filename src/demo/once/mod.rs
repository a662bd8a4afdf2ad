//! `rollcall demo --once`: a bounded life, each step of it with what was expected and what was found.

mod compare;
mod finders;
mod guarded;
mod people;
mod watch;

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use super::stage::{CONNECTION, Stage};
use crate::cli::{CommandError, output};
use watch::Finding;

/// The whole life; with start and end the command stays within 90 s.
const LIFE_MAX: Duration = Duration::from_secs(75);

/// How long the last look may take after the life is over.
const LAST_LOOK_MAX: Duration = Duration::from_secs(1);

/// The steps, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    FirstSync,
    Joiner,
    Mover,
    Leaver,
    Disabled,
    Deleted,
    Returned,
    NestedGroup,
    NestedLeaver,
    LostNotification,
    MassLeave,
    MassLeaveRejected,
    LostChange,
    Comparison,
}

impl Step {
    const ALL: [Self; 14] = [
        Self::FirstSync,
        Self::Joiner,
        Self::Mover,
        Self::Leaver,
        Self::Disabled,
        Self::Deleted,
        Self::Returned,
        Self::NestedGroup,
        Self::NestedLeaver,
        Self::LostNotification,
        Self::MassLeave,
        Self::MassLeaveRejected,
        Self::LostChange,
        Self::Comparison,
    ];

    fn title(self) -> &'static str {
        match self {
            Self::FirstSync => "first sync",
            Self::Joiner => "joiner",
            Self::Mover => "mover",
            Self::Leaver => "leaver, out of the group",
            Self::Disabled => "person disabled",
            Self::Deleted => "person deleted",
            Self::Returned => "person returns",
            Self::NestedGroup => "group nested into the scope",
            Self::NestedLeaver => "leaver of the nested group",
            Self::LostNotification => "lost notification",
            Self::MassLeave => "mass leave",
            Self::MassLeaveRejected => "mass leave rejected, undone",
            Self::LostChange => "nightly reconcile",
            Self::Comparison => "everything compared",
        }
    }
}

/// The life on its way.
struct Play<'a> {
    stage: &'a Stage,
    /// When it is over, whatever is left.
    ends_at: Instant,
    /// People nobody has touched yet.
    fresh: Vec<Uuid>,
    /// Who left, and why: their accounts stay, inactive.
    left: BTreeMap<Uuid, &'static str>,
    /// The person who was deleted, and the account they had.
    deleted: Option<(Uuid, String)>,
    /// The group that was nested, and its people.
    nested: Option<(Uuid, Vec<Uuid>)>,
    /// The people of the mass leave, and the run that holds them.
    mass: Vec<Uuid>,
    held: Option<String>,
}

/// Plays the life and prints the table; fails unless everything agreed.
pub async fn play(stage: &Stage) -> Result<(), CommandError> {
    let mut play = Play {
        stage,
        ends_at: Instant::now() + LIFE_MAX,
        fresh: fresh(stage),
        left: BTreeMap::new(),
        deleted: None,
        nested: None,
        mass: Vec::new(),
        held: None,
    };
    let mut rows = Vec::new();
    let mut failed = 0;
    for (number, step) in Step::ALL.into_iter().enumerate() {
        eprintln!("{:>2} of {}: {}", number + 1, Step::ALL.len(), step.title());
        let patience = play.ends_at + LAST_LOOK_MAX;
        let finding = match tokio::time::timeout_at(patience, play.step(step)).await {
            Ok(finding) => finding.unwrap_or_else(Finding::failed),
            Err(_) => Finding::failed("no answer in time"),
        };
        failed += usize::from(!finding.agrees());
        rows.push(finding.row(step.title()));
    }
    output::table(&["step", "expected", "found", "ok"], &rows)?;
    match failed {
        0 => Ok(()),
        _ => Err(CommandError::NotDone(format!(
            "{failed} of {} steps did not end as expected; see the table",
            rows.len()
        ))),
    }
}

/// People in scope, those first who manage nobody: managers were added first.
fn fresh(stage: &Stage) -> Vec<Uuid> {
    let contoso = &stage.contoso;
    let staff = contoso.tenant.members_of(contoso.staff);
    let enabled = contoso.enabled_in(contoso.staff);
    contoso.tenant.user_ids().into_iter().filter(|person| staff.contains(person) && enabled.contains(person)).collect()
}

impl Play<'_> {
    async fn step(&mut self, step: Step) -> Result<Finding, CommandError> {
        match step {
            Step::FirstSync => self.first_sync().await,
            Step::Joiner => self.joiner().await,
            Step::Mover => self.mover().await,
            Step::Leaver => self.leaver().await,
            Step::Disabled => self.disabled().await,
            Step::Deleted => self.deleted().await,
            Step::Returned => self.returned().await,
            Step::NestedGroup => self.nested_group().await,
            Step::NestedLeaver => self.nested_leaver().await,
            Step::LostNotification => self.lost_notification().await,
            Step::MassLeave => self.mass_leave().await,
            Step::MassLeaveRejected => self.mass_leave_rejected().await,
            Step::LostChange => self.lost_change().await,
            Step::Comparison => self.comparison().await,
        }
    }

    /// Somebody nobody has touched yet.
    fn somebody(&mut self) -> Result<Uuid, CommandError> {
        self.fresh.pop().ok_or_else(|| CommandError::NotDone("the tenant has too few people for this life".to_owned()))
    }

    async fn first_sync(&mut self) -> Result<Finding, CommandError> {
        let (contoso, client) = (&self.stage.contoso, &self.stage.client);
        let expected = format!("healthy, {} accounts, {} teams", contoso.in_scope().len(), contoso.scope().len());
        let look = async || {
            let connection = client.get(&["connections", CONNECTION], &[]).await?;
            let status = output::text(&connection["status"]);
            let counts = &connection["counts"];
            Ok(format!("{status}, {} accounts, {} teams", counts["accounts_active"], counts["teams"]))
        };
        Ok(self.until(expected, look).await)
    }
}
