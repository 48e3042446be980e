//! Roles, permissions, and the one table that joins them. Pure.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What an account is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// May do everything.
    Owner,
    /// Runs the node: everything but members and accounts.
    Operator,
    /// Works for one member, with that member's records only.
    MemberUser,
    /// Sees and proves, changes nothing.
    Auditor,
    /// Sees events and traces.
    Viewer,
}

/// What a caller may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Permission {
    /// Read events, traces, documents' names, members.
    Read,
    /// Make bundles and receipts, read documents' contents.
    Prove,
    /// Read the log beyond what is public: entries, objects, blocks.
    ReadLedger,
    /// Capture events, import, keep documents, endorse.
    Capture,
    /// Erase values.
    Erase,
    /// Master data, field classes, the clock.
    Configure,
    /// Add members, change their standing, handle their keys.
    ManageMembers,
    /// Accounts, API keys and one-time links.
    ManageAccounts,
    /// Read the access log.
    ReadAccessLog,
    /// Read the metrics.
    ReadMetrics,
    /// Release events to consumers, and recall.
    Publish,
}

/// What is allowed to whom: what does not stand here is refused.
const TABLE: [(Role, &[Permission]); 5] = {
    use Permission::{
        Capture, Configure, Erase, ManageAccounts, ManageMembers, Prove, Publish, Read,
        ReadAccessLog, ReadLedger, ReadMetrics,
    };
    [
        (
            Role::Owner,
            &[
                Read,
                Prove,
                ReadLedger,
                Capture,
                Erase,
                Configure,
                ManageMembers,
                ManageAccounts,
                ReadAccessLog,
                ReadMetrics,
                Publish,
            ],
        ),
        (
            Role::Operator,
            &[
                Read,
                Prove,
                ReadLedger,
                Capture,
                Erase,
                Configure,
                ReadAccessLog,
                ReadMetrics,
                Publish,
            ],
        ),
        (Role::MemberUser, &[Read, Prove, ReadLedger, Capture, Erase]),
        (Role::Auditor, &[Read, Prove, ReadLedger, ReadAccessLog, ReadMetrics]),
        (Role::Viewer, &[Read]),
    ]
};

impl Role {
    /// All of them, the mightiest first.
    pub const ALL: [Self; 5] =
        [Self::Owner, Self::Operator, Self::MemberUser, Self::Auditor, Self::Viewer];

    /// Whether an account of this role may do it.
    #[must_use]
    pub fn allows(self, permission: Permission) -> bool {
        self.permissions().has(permission)
    }

    /// All that the role allows.
    #[must_use]
    pub fn permissions(self) -> PermissionSet {
        let row = TABLE.iter().find(|(role, _)| *role == self);
        row.map(|(_, allowed)| allowed.iter().copied().collect()).unwrap_or_default()
    }

    /// As it is written: `member-user`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Operator => "operator",
            Self::MemberUser => "member-user",
            Self::Auditor => "auditor",
            Self::Viewer => "viewer",
        }
    }

    /// The role of a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// As the desk keeps it; never given to another role.
    pub(super) fn number(self) -> i64 {
        match self {
            Self::Owner => 1,
            Self::Operator => 2,
            Self::MemberUser => 3,
            Self::Auditor => 4,
            Self::Viewer => 5,
        }
    }

    pub(super) fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.number() == number)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Permission {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Read,
        Self::Prove,
        Self::ReadLedger,
        Self::Capture,
        Self::Erase,
        Self::Configure,
        Self::ManageMembers,
        Self::ManageAccounts,
        Self::ReadAccessLog,
        Self::ReadMetrics,
        Self::Publish,
    ];

    /// As it is written: `read-access-log`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Prove => "prove",
            Self::ReadLedger => "read-ledger",
            Self::Capture => "capture",
            Self::Erase => "erase",
            Self::Configure => "configure",
            Self::ManageMembers => "manage-members",
            Self::ManageAccounts => "manage-accounts",
            Self::ReadAccessLog => "read-access-log",
            Self::ReadMetrics => "read-metrics",
            Self::Publish => "publish",
        }
    }

    /// The permission of a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|permission| permission.name() == name)
    }

    /// Its bit, as the desk keeps it; never given to another permission.
    fn bit(self) -> u32 {
        match self {
            Self::Read => 1,
            Self::Prove => 1 << 1,
            Self::ReadLedger => 1 << 2,
            Self::Capture => 1 << 3,
            Self::Erase => 1 << 4,
            Self::Configure => 1 << 5,
            Self::ManageMembers => 1 << 6,
            Self::ManageAccounts => 1 << 7,
            Self::ReadAccessLog => 1 << 8,
            Self::ReadMetrics => 1 << 9,
            Self::Publish => 1 << 10,
        }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of permissions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct PermissionSet(u32);

impl PermissionSet {
    /// Whether it is in the set.
    #[must_use]
    pub fn has(self, permission: Permission) -> bool {
        self.0 & permission.bit() != 0
    }

    /// What is in both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether all of it is in the other set.
    #[must_use]
    pub fn is_within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// What is in it.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.into_iter().filter(move |permission| self.has(*permission))
    }

    pub(super) fn bits(self) -> i64 {
        i64::from(self.0)
    }

    /// Bits that mean nothing here allow nothing.
    pub(super) fn from_bits(bits: i64) -> Self {
        let known = Permission::ALL.into_iter().filter(|p| bits & i64::from(p.bit()) != 0);
        known.collect()
    }
}

impl FromIterator<Permission> for PermissionSet {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        Self(permissions.into_iter().fold(0, |bits, permission| bits | permission.bit()))
    }
}

impl Serialize for PermissionSet {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for PermissionSet {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Vec::<Permission>::deserialize(deserializer)?.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every role and permission, one character each: `x` allowed, `.` refused. In the order of
    /// [`Permission::ALL`].
    const EXPECTED: [(Role, &str); 5] = [
        //                Read, Prove, ReadLedger, Capture, Erase, Configure, ManageMembers,
        //                ManageAccounts, ReadAccessLog, ReadMetrics, Publish
        (Role::Owner, "xxxxxxxxxxx"),
        (Role::Operator, "xxxxxx..xxx"),
        (Role::MemberUser, "xxxxx......"),
        (Role::Auditor, "xxx.....xx."),
        (Role::Viewer, "x.........."),
    ];

    #[test]
    fn each_role_allows_what_is_written_down_and_nothing_else() {
        assert_eq!(EXPECTED.map(|(role, _)| role), Role::ALL);
        for (role, row) in EXPECTED {
            assert_eq!(row.len(), Permission::ALL.len());
            for (permission, expected) in Permission::ALL.into_iter().zip(row.chars()) {
                assert_eq!(role.allows(permission), expected == 'x', "{role} {permission}");
            }
        }
    }

    #[test]
    fn names_and_numbers_lead_back_to_the_same_role_and_permission() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.name()), Some(role));
            assert_eq!(Role::from_number(role.number()), Some(role));
            assert_eq!(serde_json::to_value(role).unwrap(), role.name());
        }
        assert_eq!(Role::from_number(0), None);
        for permission in Permission::ALL {
            assert_eq!(Permission::parse(permission.name()), Some(permission));
            assert_eq!(serde_json::to_value(permission).unwrap(), permission.name());
            let alone: PermissionSet = [permission].into_iter().collect();
            assert_eq!(PermissionSet::from_bits(alone.bits()), alone);
            assert_eq!(alone.iter().collect::<Vec<_>>(), [permission]);
        }
        assert!(PermissionSet::from_bits(1 << 40 | 1 << 11).is_empty());
    }
}
