//! What is done at Graph about one subscription, and what is remembered of it.

use secrecy::SecretString;

use crate::directory::ConnectionId;
use crate::graph::{GraphError, NewSubscription, Renewed as GraphRenewed, Resource, Subscription};
use crate::provisioning::{Session, Trouble};
use crate::store::StoreError;
use crate::store::schedules;
use crate::store::subscriptions::{self as rows, SubscriptionRow};
use crate::telemetry::metrics_names;

use super::decide::{Renewal, renew_at};
use super::keeper::{Keeper, Renewed, RenewedAction, report};

/// What was done.
#[derive(Debug)]
pub(super) enum Act {
    /// Nothing.
    Kept,
    /// It lives on.
    Renewed(Subscription),
    /// There is a new one, or one of ours that was found again.
    Created(Subscription),
    /// Graph has it no more, and a new one could not be made.
    Lost(Trouble),
}

/// Gives a subscription a new end; makes a new one when Graph does not have it any more.
pub(super) async fn renew(keeper: &Keeper, session: &Session, row: &SubscriptionRow) -> Result<Act, Trouble> {
    let Some(id) = row.id else {
        return create(keeper, session, row).await;
    };
    let expires_at = keeper.clock.now().plus(keeper.settings.lifetime);
    match session.graph.renew_subscription(id, expires_at).await? {
        GraphRenewed::Renewed(subscription) => Ok(Act::Renewed(subscription)),
        GraphRenewed::Gone => Ok(create(keeper, session, row).await.unwrap_or_else(Act::Lost)),
    }
}

/// Makes a subscription, or adopts ours when Graph says there is one: a process that stopped inside the call left it.
pub(super) async fn create(keeper: &Keeper, session: &Session, row: &SubscriptionRow) -> Result<Act, Trouble> {
    let resource = Resource::parse(&row.resource)
        .ok_or_else(|| StoreError::corrupt("subscriptions.resource", row.resource.clone()))?;
    let state = keeper.keyring.client_state(row.key_version, session.connection(), &row.resource)?;
    let new = NewSubscription {
        resource,
        notification_url: keeper.settings.notification_url.clone(),
        lifecycle_url: keeper.settings.lifecycle_url.clone(),
        expires_at: keeper.clock.now().plus(keeper.settings.lifetime),
        client_state: SecretString::from(state),
    };
    match session.graph.create_subscription(&new).await {
        Ok(subscription) => Ok(Act::Created(subscription)),
        Err(GraphError::SubscriptionConflict { .. }) => adopt(keeper, session, resource).await,
        Err(error) => Err(error.into()),
    }
}

/// Finds the subscription Graph says exists. Ours are those with our notification address; others are never touched.
async fn adopt(keeper: &Keeper, session: &Session, resource: Resource) -> Result<Act, Trouble> {
    let ours = |subscription: &Subscription| {
        subscription.resource == Some(resource)
            && subscription.notification_url == keeper.settings.notification_url.as_str()
    };
    match session.graph.list_subscriptions().await?.into_iter().find(ours) {
        Some(subscription) => Ok(Act::Created(subscription)),
        None => Err(Trouble::ForeignSubscription),
    }
}

impl Keeper {
    /// Remembers what became of a subscription; after a gap the delta poll looks for what was missed.
    pub(super) async fn record(
        &self,
        connection: &ConnectionId,
        mut row: SubscriptionRow,
        renewal: Renewal,
        act: Result<Act, Trouble>,
    ) -> Result<Renewed, StoreError> {
        let now = self.clock.now();
        let had_one = row.id.is_some();
        let action = match act {
            Ok(Act::Kept) => RenewedAction::Skipped,
            Ok(Act::Renewed(subscription)) => {
                self.alive(&mut row, &subscription);
                RenewedAction::Renewed
            }
            Ok(Act::Created(subscription)) => {
                self.alive(&mut row, &subscription);
                if had_one { RenewedAction::Recreated } else { RenewedAction::Created }
            }
            Ok(Act::Lost(trouble)) => {
                self.failed(connection, &mut row, Renewal::Recreate, &trouble);
                RenewedAction::Failed
            }
            Err(trouble) => {
                self.failed(connection, &mut row, renewal, &trouble);
                RenewedAction::Failed
            }
        };
        let (id, written) = (connection.clone(), row.clone());
        self.db
            .write(move |db| {
                rows::put(db, &id, &written, now)?;
                match action {
                    RenewedAction::Created | RenewedAction::Recreated => schedules::bring_forward(db, &id, now),
                    _ => Ok(()),
                }
            })
            .await?;
        Ok(report(connection, &row, action))
    }

    fn alive(&self, row: &mut SubscriptionRow, subscription: &Subscription) {
        let now = self.clock.now();
        row.id = Some(subscription.id);
        row.expires_at = Some(subscription.expires_at);
        row.due_at = renew_at(now, subscription.expires_at, subscription.id.0.as_bytes()[15]);
        row.error = None;
        row.attempt_count = 0;
    }

    fn failed(&self, connection: &ConnectionId, row: &mut SubscriptionRow, renewal: Renewal, trouble: &Trouble) {
        row.due_at = self.clock.now().plus(trouble.pause(row.attempt_count));
        row.attempt_count = row.attempt_count.saturating_add(1);
        row.error = Some(trouble.to_string());
        if renewal == Renewal::Recreate {
            row.id = None;
            row.expires_at = None;
        }
        tracing::warn!(
            connection.id = %connection, resource = row.resource, attempt.count = row.attempt_count,
            "A subscription could not be renewed or made, trying again at {}: {trouble}", row.due_at
        );
    }

    /// Shows in the metrics how long each of a connection's subscriptions lives.
    pub fn observe(&self, connection: &ConnectionId, row: &SubscriptionRow) {
        let left = row.expires_at.map_or(0.0, |at| at.since(self.clock.now()).as_secs_f64());
        let labels = [("connection", connection.to_string()), ("resource", row.resource.clone())];
        metrics::gauge!(metrics_names::SUBSCRIPTION_EXPIRES_SECONDS, &labels).set(left);
    }
}
