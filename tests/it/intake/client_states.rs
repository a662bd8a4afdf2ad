//! Whose notifications are let in.

use super::ground::{ADA, GRACE, Ground, OTHER_TENANT, TENANT, body, told};
use crate::support::{TestDatabase, both_databases};

both_databases!(
    what_does_not_verify_is_dropped_with_the_same_answer,
    a_connection_that_was_just_added_is_known_after_a_reload,
    a_connection_that_was_added_just_after_a_reload_loses_nothing,
    notifications_of_a_removed_connection_are_discarded_by_the_fold,
);

async fn what_does_not_verify_is_dropped_with_the_same_answer(database: TestDatabase) {
    let ground = Ground::new(database).await;
    ground.add_connection("fabrikam", OTHER_TENANT).await;
    let listener = ground.listen().await;
    let genuine = ground.client_state("contoso", "users");
    let forgeries = [
        ground.user(ADA).replace(&genuine, "v1.0000000000000000000000000000000000000000000"),
        ground.user(ADA).replace(&genuine, ""),
        ground.user(ADA).replace(&genuine, &ground.client_state("fabrikam", "users")),
        ground.user(ADA).replace(&genuine, &ground.client_state("contoso", "groups")),
        ground.user(ADA).replace(TENANT, OTHER_TENANT),
        ground.user(ADA).replace(TENANT, "5c1e2f5a-0000-4000-8000-000000000000"),
        ground.user(ADA).replace("\"clientState\"", "\"noClientState\""),
        ground.lifecycle("missed", "users", ADA).replace(&genuine, "v1.forged"),
    ];
    // At the same time: each waits until the interval between two readings is over.
    let notified = forgeries.iter().map(|forged| listener.notify(body(std::slice::from_ref(forged))));
    assert_eq!(futures_util::future::join_all(notified).await, [202; 8]);
    assert_eq!(ground.inbox.size().rows, 0);

    let genuine_among_them = [&forgeries[..], &[ground.user(GRACE)]].concat();
    assert_eq!(listener.notify(body(&genuine_among_them)).await, 202);
    ground.fold().await;
    assert_eq!(told(&ground.queue().await), "contoso user grace changed\n");
    listener.stop().await;
}

async fn a_connection_that_was_just_added_is_known_after_a_reload(database: TestDatabase) {
    let ground = Ground::new(database).await;
    let listener = ground.listen().await;
    // Nobody told the listener of any connection: it looks when it meets the first unknown tenant.
    assert_eq!(listener.notify(body(&[ground.user(ADA)])).await, 202);
    ground.fold().await;
    assert_eq!(told(&ground.queue().await), "contoso user ada changed\n");
    listener.stop().await;
}

async fn a_connection_that_was_added_just_after_a_reload_loses_nothing(database: TestDatabase) {
    let ground = Ground::new(database).await;
    let listener = ground.listen().await;
    let of_fabrikam = ground.user(ADA).replace(TENANT, OTHER_TENANT);
    let genuine =
        of_fabrikam.replace(&ground.client_state("contoso", "users"), &ground.client_state("fabrikam", "users"));
    assert_eq!(listener.notify(body(&[of_fabrikam])).await, 202);
    // As another process does it, which tells this one nothing.
    ground.add_connection("fabrikam", OTHER_TENANT).await;
    assert_eq!(listener.notify(body(&[genuine])).await, 202);
    ground.fold().await;
    assert_eq!(told(&ground.queue().await), "fabrikam user ada changed\n");
    listener.stop().await;
}

async fn notifications_of_a_removed_connection_are_discarded_by_the_fold(database: TestDatabase) {
    let ground = Ground::new(database).await;
    let listener = ground.listen().await;
    assert_eq!(listener.notify(body(&[ground.user(ADA)])).await, 202);
    ground.execute("DELETE FROM connections".to_owned()).await;
    ground.fold().await;
    assert_eq!(ground.queue().await, []);
    assert_eq!(ground.inbox.size().rows, 0);
    listener.stop().await;
}
