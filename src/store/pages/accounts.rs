//! Accounts as the outside reads them.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};

use super::super::accounts::{AccountRow, COLUMNS, memberships, parse};
use super::super::db_connection::DbConnection;
use super::super::error::StoreError;
use crate::directory::account::Account;
use crate::directory::views::AccountView;
use crate::directory::{AccountId, ConnectionId, TeamId};

/// Which accounts to list; the default is all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountFilter {
    /// Only active ones, or only those that are not.
    pub active: Option<bool>,
    /// Only those with this text in user name, e-mail or a name; compared without case.
    pub text: Option<String>,
    /// Only members of this team.
    pub team: Option<TeamId>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(embed)]
    account: AccountRow,
    #[diesel(sql_type = Nullable<Text>)]
    manager_id: Option<String>,
}

/// Accounts with their manager's account.
const FROM: &str = "FROM accounts a LEFT JOIN accounts m \
     ON m.connection_id = a.connection_id AND m.external_id = a.manager_external_id";

/// At most `limit` accounts by id, from after `after` on.
pub fn page(
    db: &mut DbConnection,
    connection: &ConnectionId,
    filter: &AccountFilter,
    after: Option<AccountId>,
    limit: i64,
) -> Result<Vec<AccountView>, StoreError> {
    // A filter that is not given is switched off by its flag: one statement, the same parameters every time.
    let rows: Vec<Row> = diesel::sql_query(format!(
        "SELECT {COLUMNS}, m.account_id AS manager_id {FROM} \
         WHERE a.connection_id = $1 AND a.account_id > $2 AND ($3 OR a.active = $4) \
         AND ($5 OR a.search_text LIKE $6 ESCAPE '!') \
         AND ($7 OR EXISTS (SELECT 1 FROM team_members t \
         WHERE t.connection_id = a.connection_id AND t.account_id = a.account_id AND t.team_id = $8)) \
         ORDER BY a.account_id LIMIT $9"
    ))
    .bind::<Text, _>(connection.as_str())
    .bind::<Text, _>(after.map(|id| id.to_string()).unwrap_or_default())
    .bind::<Bool, _>(filter.active.is_none())
    .bind::<Bool, _>(filter.active.unwrap_or_default())
    .bind::<Bool, _>(filter.text.is_none())
    .bind::<Text, _>(pattern(filter.text.as_deref().unwrap_or_default()))
    .bind::<Bool, _>(filter.team.is_none())
    .bind::<Text, _>(filter.team.map(|id| id.to_string()).unwrap_or_default())
    .bind::<BigInt, _>(limit)
    .load(db)?;
    views(db, connection, rows)
}

/// The account of this id, or the one linked to the person of this object id.
pub fn get(db: &mut DbConnection, connection: &ConnectionId, id: &str) -> Result<Option<AccountView>, StoreError> {
    let id = id.to_ascii_lowercase();
    let rows: Vec<Row> = diesel::sql_query(format!(
        "SELECT {COLUMNS}, m.account_id AS manager_id {FROM} \
         WHERE a.connection_id = $1 AND (a.account_id = $2 OR a.external_id = $3)"
    ))
    .bind::<Text, _>(connection.as_str())
    .bind::<Text, _>(&id)
    .bind::<Text, _>(&id)
    .load(db)?;
    Ok(views(db, connection, rows)?.into_iter().next())
}

fn pattern(text: &str) -> String {
    let mut pattern = String::from("%");
    for character in text.to_lowercase().chars() {
        if matches!(character, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

fn views(db: &mut DbConnection, connection: &ConnectionId, rows: Vec<Row>) -> Result<Vec<AccountView>, StoreError> {
    let accounts = rows
        .into_iter()
        .map(|row| {
            let manager = row.manager_id.map(|id| parse("accounts.account_id", &id)).transpose()?;
            Ok((Account::try_from(row.account)?, manager))
        })
        .collect::<Result<Vec<(Account, Option<AccountId>)>, StoreError>>()?;
    let mut teams = memberships(db, connection, accounts.iter().map(|(account, _)| account.id))?;
    let view = |(account, manager): (Account, Option<AccountId>)| {
        let teams = teams.remove(&account.id).unwrap_or_default().into_iter().collect();
        AccountView::new(account, manager, teams)
    };
    Ok(accounts.into_iter().map(view).collect())
}

#[cfg(test)]
mod tests {
    use super::pattern;

    #[test]
    fn a_searched_text_stands_for_itself() {
        assert_eq!(pattern("Ada_100%!"), "%ada!_100!%!!%");
    }
}
