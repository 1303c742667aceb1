//! Who may have what.
use super::names;
use crate::platform::{self, KEYS_DATABASE};
use crate::topics::rights;

/// The folder with everything.
pub(crate) const OPERATOR: &str = "operator";

/// A folder and what is in it.
pub(crate) struct Folder {
    pub name: &'static str,
    pub items: Vec<Item>,
}

/// A file of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    /// A copy of the operator's file of that name.
    Secret(String),
    /// A token for the broker, in that role.
    BrokerToken(&'static str),
    /// The gateway's public key.
    GatewayKeys,
}

impl Item {
    /// The file's name.
    pub(crate) fn file(&self) -> &str {
        match self {
            Self::Secret(name) => name,
            Self::BrokerToken(_) => names::BROKER_TOKEN,
            Self::GatewayKeys => names::GATEWAY_KEYS,
        }
    }
}

/// Every folder. The operator's comes first: the others are copied from it.
pub(crate) fn folders() -> Vec<Folder> {
    let secret = |name: &str| Item::Secret(name.to_owned());
    let services = platform::services();
    let databases = services.iter().map(|service| service.database).chain([KEYS_DATABASE]);
    let mut operator =
        vec![secret(names::OWNER_PASSWORD), secret(names::ANCHOR_KEY), Item::BrokerToken(rights::OPERATOR)];
    operator.extend(databases.map(|database| Item::Secret(names::role_password(database))));
    let mut folders = vec![Folder { name: OPERATOR, items: operator }];

    for service in &services {
        let mut items = vec![
            Item::Secret(names::role_password(service.database)),
            Item::Secret(names::blind_index(service.name)),
            Item::GatewayKeys,
            Item::BrokerToken(rights::role(service.name)),
        ];
        items.extend(service.purposes.iter().map(|purpose| Item::Secret(names::master_key(*purpose))));
        if !service.purposes.is_empty() {
            items.push(Item::Secret(names::role_password(KEYS_DATABASE)));
        }
        if service.name == service_users::NAME {
            items.extend([secret(names::USER_TOKEN_KEY), secret(names::ADMINISTRATOR_PASSWORD)]);
        }
        folders.push(Folder { name: service.name, items });
    }
    folders.push(Folder { name: service_bff::NAME, items: vec![secret(names::GATEWAY_TOKEN_KEY)] });
    folders.push(Folder { name: "postgres", items: vec![secret(names::OWNER_PASSWORD)] });
    let broker = vec![secret(names::BROKER_TOKEN_KEY), Item::BrokerToken(rights::BROKER)];
    folders.push(Folder { name: "broker", items: broker });
    folders
}
