//! What is done at Graph about one subscription, and what is remembered of it.

use secrecy::SecretString;

use crate::directory::ConnectionId;
use crate::graph::{GraphError, NewSubscription, Renewed as GraphRenewed, Resource, Subscription};
use crate::provisioning::{Session, Trouble};
use crate::store::StoreError;
use crate::store::leases::{self, Lease};
use crate::store::schedules;
use crate::store::subscriptions::{self as rows, SubscriptionRow};

use super::decide::{Renewal, renew_at};
use super::keeper::{Keeper, Renewed, RenewedAction, report};

/// What was done.
#[derive(Debug)]
pub(super) enum Act {
    /// Nothing.
    Kept,
    /// It lives on.
    Renewed(Subscription),
    /// There is a new one.
    Created(Subscription),
}

/// Gives a subscription a new end; makes a new one when Graph does not have it any more.
pub(super) async fn renew(keeper: &Keeper, session: &Session, row: &mut SubscriptionRow) -> Result<Act, Trouble> {
    let Some(id) = row.id else {
        return create(keeper, session, row).await;
    };
    let expires_at = keeper.clock.now().plus(keeper.settings.lifetime);
    match session.graph.renew_subscription(id, expires_at).await? {
        GraphRenewed::Renewed(subscription) => Ok(Act::Renewed(subscription)),
        GraphRenewed::Gone => {
            // Known to be no more, also when no new one can be made.
            (row.id, row.expires_at) = (None, None);
            create(keeper, session, row).await
        }
    }
}

/// Makes a subscription, in the place of ours when Graph says there is one: a process that stopped inside the call left
/// it, or a connection that was removed, or another database under the same address.
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
        Err(GraphError::SubscriptionConflict { .. }) => replace(keeper, session, &new).await,
        Err(error) => Err(error.into()),
    }
}

/// Deletes the subscription Graph says exists, and makes the new one. It is not adopted: Graph never shows the client
/// state it was made with, and with another's every notification would be dropped. Ours are those with our notification
/// address; others are never touched.
async fn replace(keeper: &Keeper, session: &Session, new: &NewSubscription) -> Result<Act, Trouble> {
    let ours = |subscription: &Subscription| {
        subscription.resource == Some(new.resource)
            && subscription.notification_url == keeper.settings.notification_url.as_str()
    };
    let found: Vec<Subscription> = session.graph.list_subscriptions().await?.into_iter().filter(ours).collect();
    if found.is_empty() {
        return Err(Trouble::ForeignSubscription);
    }
    for subscription in found {
        session.graph.delete_subscription(subscription.id).await?;
        tracing::info!(
            connection.id = %session.connection(), subscription.id = %subscription.id,
            "A subscription of ours whose client state is not known was deleted to make a new one"
        );
    }
    Ok(Act::Created(session.graph.create_subscription(new).await?))
}

impl Keeper {
    /// Remembers what became of a subscription while the lease is held; after a gap the delta poll looks for what was
    /// missed.
    pub(super) async fn record(
        &self,
        connection: &ConnectionId,
        lease: &Lease,
        (mut row, renewal): (SubscriptionRow, Renewal),
        act: Result<Act, Trouble>,
    ) -> Result<Renewed, StoreError> {
        let now = self.clock.now();
        let action = match act {
            Ok(Act::Kept) => RenewedAction::Skipped,
            Ok(Act::Renewed(subscription)) => {
                self.alive(&mut row, &subscription);
                RenewedAction::Renewed
            }
            Ok(Act::Created(subscription)) => {
                self.alive(&mut row, &subscription);
                if renewal == Renewal::Create { RenewedAction::Created } else { RenewedAction::Recreated }
            }
            Err(trouble) => {
                self.failed(connection, &mut row, renewal, &trouble);
                RenewedAction::Failed
            }
        };
        let (id, lease, written) = (connection.clone(), lease.clone(), row.clone());
        self.db
            .write(move |db| {
                leases::check(db, &lease, now)?;
                let made = matches!(action, RenewedAction::Created | RenewedAction::Recreated);
                let renewed_at = (made || action == RenewedAction::Renewed).then_some(now);
                rows::put(db, &id, &written, renewed_at)?;
                if made { schedules::bring_forward(db, &id, now) } else { Ok(()) }
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
}
