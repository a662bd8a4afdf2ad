//! Tenants and the applications registered in them.

use std::collections::HashMap;
use std::sync::Arc;

use uuid::Uuid;

use super::directory::Directory;
use super::login_assertions::Certificate;

/// What Rollcall asks for, and what a new application is granted.
const ROLES_GRANTED: [&str; 4] = ["User.Read.All", "Group.Read.All", "GroupMember.Read.All", "Directory.Read.All"];

/// An application in one tenant.
#[derive(Debug)]
pub(super) struct Application {
    pub(super) secret: String,
    pub(super) is_secret_expired: bool,
    /// False: AADSTS7000112.
    pub(super) is_enabled: bool,
    pub(super) certificates: Vec<Certificate>,
    /// Issuer and subject of trusted tokens of other identity providers.
    pub(super) federated: Vec<(String, String)>,
    pub(super) roles: Arc<[String]>,
    /// The object id of its service principal, `creatorId` of subscriptions.
    pub(super) service_principal_id: Uuid,
}

impl Application {
    pub(super) fn new(secret: String, service_principal_id: Uuid) -> Self {
        let roles = ROLES_GRANTED.iter().map(|role| (*role).to_owned()).collect();
        Self {
            secret,
            is_secret_expired: false,
            is_enabled: true,
            certificates: Vec::new(),
            federated: Vec::new(),
            roles,
            service_principal_id,
        }
    }
}

/// A tenant: its name, its applications, its directory.
#[derive(Debug)]
pub(super) struct TenantRecord {
    pub(super) id: Uuid,
    pub(super) name: String,
    /// The application made with the tenant.
    pub(super) client_id: Uuid,
    pub(super) applications: HashMap<Uuid, Application>,
    pub(super) directory: Directory,
    /// The change log is announced up to here.
    pub(super) announced: u64,
    /// Delta tokens of earlier generations have expired.
    pub(super) delta_generation: u32,
    /// Whether deleted security groups can be restored; documentation says no, newer tenants may.
    pub(super) soft_deletes_security_groups: bool,
}

impl TenantRecord {
    /// `contoso.example`, the domain of its user principal names.
    pub(super) fn domain(&self) -> String {
        format!("{}.example", self.name)
    }

    /// Whether an authority path names this tenant: by id or by a domain of it.
    pub(super) fn is_named(&self, authority: &str) -> bool {
        let authority = authority.to_ascii_lowercase();
        authority == self.id.to_string()
            || authority == self.domain()
            || authority == format!("{}.onmicrosoft.com", self.name)
    }
}
