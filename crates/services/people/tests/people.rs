//! The service from outside: its HTTP API over a real store, its events, and what it tells the overlay.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode, header},
};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tower::ServiceExt as _;
use weft_events::{Feed, Item, Subscription};
use weft_identity::{
    DeviceKey, DeviceName, Identity, InvitationDraft, NetworkName, Reach, RecoveryPhrase, RelayHint, Unlocked,
};
use weft_people::{Introductions, PeopleParts, PeopleService, Reachability, Sightings};
use weft_service::{Health, Service};
use weft_store::{
    Batch, CommitError, Durability, Entry, FjallStore, MemoryStore, ReadError, Store, StoreHealth, StoreOptions, Table,
};

const NOW: u64 = 1_750_000_000;

/// The node's adapters to an overlay, as seen from here: what it would be told.
#[derive(Default)]
struct Overlay {
    told: Mutex<Vec<(String, DeviceKey)>>,
}

impl Overlay {
    /// What was told since the last time.
    fn take(&self) -> Vec<(String, DeviceKey)> {
        std::mem::take(&mut self.told.lock())
    }
}

impl Introductions for Overlay {
    fn introduce(&self, device: DeviceKey, reach: &Reach) {
        self.told.lock().push((format!("introduce {:?}", reach.udp()), device));
    }
    fn block(&self, device: DeviceKey) {
        self.told.lock().push(("block".to_owned(), device));
    }
    fn forget(&self, device: DeviceKey) {
        self.told.lock().push(("forget".to_owned(), device));
    }
}

#[async_trait::async_trait]
impl Sightings for Overlay {
    async fn next(&self) -> Option<(DeviceKey, Reach)> {
        None
    }
}

struct Here(&'static str);

impl Reachability for Here {
    fn reach(&self) -> Reach {
        let relay = RelayHint::new("https://relay.example:4433/").unwrap();
        Reach::new(&["192.0.2.7:9338".parse().unwrap()], &["192.0.2.7:9339".parse().unwrap()], &[relay])
    }
    fn network(&self) -> NetworkName {
        NetworkName::new(self.0).unwrap()
    }
}

fn identity(device: &str) -> Identity {
    let phrase = RecoveryPhrase::generate().unwrap();
    Unlocked::new(&phrase, DeviceName::new(device).unwrap(), NOW).unwrap().identity
}

/// One node's people service and all around it.
struct Node {
    service: PeopleService,
    router: Router,
    overlay: Arc<Overlay>,
    feed: Feed,
    events: Subscription,
    clock: Arc<AtomicU64>,
}

impl Node {
    async fn start(me: Arc<Identity>, store: Arc<dyn Store>, network: &'static str) -> Self {
        let (feed, overlay, clock) = (Feed::new(), Arc::new(Overlay::default()), Arc::new(AtomicU64::new(NOW)));
        let time = clock.clone();
        let service = PeopleService::new(PeopleParts {
            identity: me,
            store,
            events: feed.sink(),
            reachability: Arc::new(Here(network)),
            introductions: overlay.clone(),
            sightings: overlay.clone(),
            clock: Arc::new(move || time.load(Ordering::Relaxed)),
        });
        service.start().await.unwrap();
        let (router, _) = service.api().split_for_parts();
        let events = feed.subscribe_now();
        Self { service, router, overlay, feed, events, clock }
    }

    async fn fresh(device: &str) -> Self {
        Self::start(Arc::new(identity(device)), Arc::new(MemoryStore::default()), "public").await
    }

    async fn call(&self, method: &str, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let request = Request::builder().method(method).uri(path);
        let request = match body {
            Some(body) => {
                request.header(header::CONTENT_TYPE, "application/json").body(Body::from(body.to_string())).unwrap()
            }
            None => request.body(Body::empty()).unwrap(),
        };
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    async fn get(&self, path: &str) -> Value {
        let (status, value) = self.call("GET", path, None).await;
        assert_eq!(status, StatusCode::OK, "{path}: {value}");
        value
    }

    async fn accept(&self, link: &str, petname: &str) -> (StatusCode, Value) {
        self.call("POST", "/invitations/accept", Some(json!({ "link": link, "petname": petname }))).await
    }

    async fn invite(&self) -> String {
        let (status, invitation) = self.call("POST", "/invitations", Some(json!({}))).await;
        assert_eq!(status, StatusCode::OK);
        invitation["link"].as_str().unwrap().to_owned()
    }

    /// Kinds and data of the events since the last time.
    fn events(&mut self) -> Vec<(String, Value)> {
        let mut seen = Vec::new();
        while let Some(Item::Event(record)) = self.events.try_next() {
            assert_eq!(record.source, "people");
            seen.push((record.kind.to_owned(), serde_json::from_str(record.data.get()).unwrap()));
        }
        seen
    }
}

#[tokio::test]
async fn two_people_meet_by_a_link() {
    let ann = Node::fresh("laptop").await;
    let mut bob = Node::fresh("desk").await;
    let me = ann.get("/me").await;
    assert_eq!(me["devices"][0]["name"], "laptop");

    let link = ann.invite().await;
    let (status, read) = bob.call("POST", "/invitations/inspect", Some(json!({ "link": link }))).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(read["invitation"]["user_key"], me["user_key"]);
    assert!(read.get("contact").is_none());
    assert!(bob.get("/contacts").await.as_array().unwrap().is_empty(), "looking is not accepting");

    let (status, accepted) = bob.accept(&link, "Ann").await;
    assert_eq!((status, &accepted["is_new"]), (StatusCode::OK, &json!(true)));
    assert_eq!(accepted["contact"]["devices"][0]["device_key"], me["device_key"]);
    let (status, again) = bob.accept(&link.to_uppercase(), "Ann").await;
    assert_eq!((status, &again["is_new"]), (StatusCode::OK, &json!(false)));

    let events = bob.events();
    assert_eq!(events.len(), 1, "accepting twice changes once: {events:?}");
    assert_eq!((events[0].0.as_str(), &events[0].1["contact"]["petname"]), ("contact-added", &json!("Ann")));
    let device: DeviceKey = me["device_key"].as_str().unwrap().parse().unwrap();
    let introduced = ("introduce [192.0.2.7:9338]".to_owned(), device);
    assert!(bob.overlay.take().contains(&introduced));

    let detail = bob.get("/contacts/ANN").await;
    assert_eq!(detail["reach"][0]["tcp"][0], "192.0.2.7:9339");
    assert_eq!(detail["reach"][0]["relays"][0], "https://relay.example:4433/");
    assert_eq!(bob.service.snapshot()["contacts"][0]["petname"], "Ann");
}

#[tokio::test]
async fn contacts_are_changed_found_and_removed() {
    let mut node = Node::fresh("desk").await;
    let ann = identity("laptop");
    let link = ann.invite(InvitationDraft::new(NetworkName::public())).to_string();
    node.accept(&link, "Ann").await;
    let cleo = identity("phone").user_key().to_string();
    let new = json!({ "user_key": cleo, "petname": "Cléo ☂" });
    assert_eq!(node.call("POST", "/contacts", Some(new.clone())).await.0, StatusCode::CREATED);
    let (status, problem) = node.call("POST", "/contacts", Some(new)).await;
    assert_eq!((status, &problem["code"]), (StatusCode::CONFLICT, &json!("known-already")));
    node.events();
    node.overlay.take();

    let change = json!({ "petname": "Annette", "blocked": true, "notes": "met at the fair" });
    let (status, changed) = node.call("PATCH", "/contacts/ann", Some(change.clone())).await;
    assert_eq!(
        (status, &changed["blocked"], &changed["notes"]),
        (StatusCode::OK, &json!(true), &json!("met at the fair"))
    );
    assert_eq!(node.events().iter().map(|event| event.0.as_str()).collect::<Vec<_>>(), ["contact-changed"]);
    assert_eq!(node.overlay.take(), [("block".to_owned(), ann.device_key())]);
    assert_eq!(node.call("PATCH", "/contacts/Annette", Some(change)).await.0, StatusCode::OK);
    assert!(node.events().is_empty(), "nothing changed");

    let (status, problem) = node.accept(&link, "Ann").await;
    assert_eq!((status, &problem["code"]), (StatusCode::CONFLICT, &json!("blocked")));
    let wrong = json!({ "blocked": false, "petname": "cLÉO ☂" });
    assert_eq!(node.call("PATCH", "/contacts/Annette", Some(wrong)).await.1["code"], "name-taken");
    assert_eq!(node.get("/contacts/Annette").await["blocked"], true, "all of it or nothing");
    node.call("PATCH", "/contacts/Annette", Some(json!({ "blocked": false }))).await;
    assert!(node.overlay.take()[0].0.starts_with("introduce"));

    let by_device_prefix = format!("/contacts/{}", &ann.device_key().to_string()[..8]);
    assert_eq!(node.get(&by_device_prefix).await["petname"], "Annette");
    assert_eq!(node.call("DELETE", &by_device_prefix, None).await.0, StatusCode::OK);
    assert_eq!(node.overlay.take(), [("forget".to_owned(), ann.device_key())]);
    assert_eq!(node.events().last().unwrap().0, "contact-removed");
    assert_eq!(node.call("GET", "/contacts/Annette", None).await.0, StatusCode::NOT_FOUND);
    assert_eq!(node.get("/contacts/Cl%C3%A9o%20%E2%98%82").await["user_key"], cleo);
}

#[tokio::test]
async fn bad_requests_are_told_what_is_wrong() {
    let node = Node::fresh("desk").await;
    let own = node.invite().await;
    let (_, problem) = node.accept(&own, "me").await;
    assert!(problem["error"].as_str().unwrap().contains("your own key"), "{problem}");

    let link = identity("laptop").invite(InvitationDraft::new(NetworkName::new("elsewhere").unwrap())).to_string();
    let (status, problem) = node.accept(&link, "Ann").await;
    assert_eq!((status, &problem["code"]), (StatusCode::CONFLICT, &json!("other-network")));
    assert!(problem["mend"].as_str().unwrap().contains("--network elsewhere"));

    let mut draft = InvitationDraft::new(NetworkName::public());
    draft.expires = Some(NOW + 60);
    let link = identity("laptop").invite(draft).to_string();
    node.clock.store(NOW + 60, Ordering::Relaxed);
    let (status, problem) = node.accept(&link, "Ann").await;
    assert_eq!((status, &problem["code"]), (StatusCode::BAD_REQUEST, &json!("bad-invitation")));
    assert!(problem["error"].as_str().unwrap().contains("expired"));

    for (path, body) in [
        ("/invitations/accept", json!({ "link": &own[..own.len() - 2] })),
        ("/invitations/accept", json!({ "link": "weft:" })),
        ("/invitations/accept", json!({ "link": own, "petname": "a\u{202E}b" })),
        ("/invitations", json!({ "petname": "" })),
        ("/contacts", json!({ "user_key": "short", "petname": "Ann" })),
    ] {
        let (status, problem) = node.call("POST", path, Some(body.clone())).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{path} {body}: {problem}");
        assert!(problem["error"].as_str().is_some_and(|error| error.len() > 20), "{problem}");
    }
    let (status, problem) = node.call("POST", "/contacts", Some(json!({ "unknown": 1 }))).await;
    assert_eq!((status, &problem["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("bad-body")));
    assert!(node.get("/contacts").await.as_array().unwrap().is_empty());
}

#[tokio::test]
async fn invitations_expire_when_asked_to() {
    let node = Node::fresh("desk").await;
    let (_, invitation) =
        node.call("POST", "/invitations", Some(json!({ "petname": "Dee", "valid_seconds": 3600 }))).await;
    assert_eq!((&invitation["expires"], &invitation["petname"]), (&json!(NOW + 3600), &json!("Dee")));
    assert_eq!(invitation["qr"].as_str().unwrap().to_lowercase(), invitation["link"].as_str().unwrap());
}

#[tokio::test]
async fn contacts_survive_a_restart_on_a_real_store() {
    let folder = tempfile::tempdir().unwrap();
    let open = || -> Arc<dyn Store> {
        let options = StoreOptions { min_free_bytes: 0, ..StoreOptions::default() };
        Arc::new(FjallStore::open(folder.path(), options).unwrap())
    };
    let (me, ann) = (Arc::new(identity("desk")), identity("laptop"));
    let mut draft = InvitationDraft::new(NetworkName::public());
    draft.reach = Reach::new(&["192.0.2.9:1".parse().unwrap()], &[], &[]);
    let store = open();
    let node = Node::start(me.clone(), store.clone(), "public").await;
    node.accept(&ann.invite(draft).to_string(), "Ann").await;
    let seen_at = Reach::new(&["192.0.2.10:2".parse().unwrap()], &[], &[]);
    node.service.people().saw_device(ann.device_key(), &seen_at).unwrap();
    node.service.people().saw_device(identity("stranger").device_key(), &seen_at).unwrap();
    node.service.stop().await;
    drop((node, store));

    let node = Node::start(me, open(), "public").await;
    let detail = node.get("/contacts/Ann").await;
    assert_eq!(detail["reach"][0]["udp"], json!(["192.0.2.10:2", "192.0.2.9:1"]));
    assert_eq!(detail["devices"][0]["seen"], NOW);
    let told = ("introduce [192.0.2.10:2, 192.0.2.9:1]".to_owned(), ann.device_key());
    assert_eq!(node.overlay.take(), [told], "the overlay hears of every device at start");
    assert!(node.service.health().is_ok());
}

#[tokio::test]
async fn damaged_records_are_named_and_left_alone() {
    let store = Arc::new(MemoryStore::default());
    let me = Arc::new(identity("desk"));
    let node = Node::start(me.clone(), store.clone(), "public").await;
    node.accept(&identity("laptop").invite(InvitationDraft::new(NetworkName::public())).to_string(), "Ann").await;
    let table = Table::new("people-contacts");
    store.commit(Batch::new().put(table, [1; 32], [99; 8]).put(table, [2; 32], []), Durability::Sync).unwrap();

    let node = Node::start(me, store.clone(), "public").await;
    assert_eq!(node.get("/contacts").await.as_array().unwrap().len(), 1, "the good one is there");
    let Health::Degraded { because, .. } = node.service.health() else { panic!("two records are damaged") };
    assert!(because.starts_with("2 contacts"), "{because}");
    assert!(store.get(table, &[1; 32]).unwrap().is_some(), "nothing is thrown away");
}

/// A store whose disk can be made to fail.
#[derive(Default)]
struct FailingStore {
    below: MemoryStore,
    fails: AtomicBool,
}

impl FailingStore {
    fn error(&self) -> Option<CommitError> {
        let full = || CommitError::ReadOnly { because: "the disk is full".to_owned(), mend: "free some".to_owned() };
        self.fails.load(Ordering::Relaxed).then(full)
    }
}

impl Store for FailingStore {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
        self.below.get(table, key)
    }
    fn scan(&self, table: Table, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Entry>, ReadError> {
        self.below.scan(table, prefix, after, limit)
    }
    fn commit(&self, batch: Batch, durability: Durability) -> Result<(), CommitError> {
        self.error().map_or_else(|| self.below.commit(batch, durability), Err)
    }
    fn health(&self) -> StoreHealth {
        match self.error() {
            Some(CommitError::ReadOnly { because, mend }) => StoreHealth::ReadOnly { because, mend },
            _ => StoreHealth::Ok,
        }
    }
}

#[tokio::test]
async fn what_cannot_be_stored_did_not_happen() {
    let store = Arc::new(FailingStore::default());
    let mut node = Node::start(Arc::new(identity("desk")), store.clone(), "public").await;
    let ann = identity("laptop");
    let link = ann.invite(InvitationDraft::new(NetworkName::public())).to_string();
    node.accept(&link, "Ann").await;
    let cleo = identity("phone").invite(InvitationDraft::new(NetworkName::public())).to_string();
    node.events();
    node.overlay.take();

    store.fails.store(true, Ordering::Relaxed);
    assert_eq!(node.accept(&cleo, "Cleo").await.0, StatusCode::INSUFFICIENT_STORAGE);
    let (status, problem) = node.call("PATCH", "/contacts/Ann", Some(json!({ "petname": "Anna" }))).await;
    assert_eq!((status, &problem["mend"]), (StatusCode::INSUFFICIENT_STORAGE, &json!("free some")));
    assert_eq!(node.call("DELETE", "/contacts/Ann", None).await.0, StatusCode::INSUFFICIENT_STORAGE);
    let contacts = node.get("/contacts").await;
    assert_eq!(contacts.as_array().unwrap().len(), 1);
    assert_eq!(contacts[0]["petname"], "Ann");
    assert!(node.events().is_empty() && node.overlay.take().is_empty());
    assert!(!node.service.health().is_ok());

    store.fails.store(false, Ordering::Relaxed);
    assert_eq!(node.accept(&cleo, "Cleo").await.0, StatusCode::OK);
    assert!(node.service.health().is_ok());
}

#[tokio::test]
async fn many_changes_at_once_reach_memory_and_disk_alike() {
    let store = Arc::new(MemoryStore::default());
    let me = Arc::new(identity("desk"));
    let node = Node::start(me.clone(), store.clone(), "public").await;
    let ann = identity("laptop");
    node.accept(&ann.invite(InvitationDraft::new(NetworkName::public())).to_string(), "start").await;
    let tasks: Vec<_> = (0..32)
        .map(|n| {
            let people = node.service.people().clone();
            let user = ann.user_key();
            tokio::task::spawn_blocking(move || {
                let edit = weft_identity::ContactEdit {
                    petname: Some(weft_identity::Petname::new(&format!("name {n}")).unwrap()),
                    ..Default::default()
                };
                people.edit(user, edit).unwrap();
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let in_memory = node.service.people().contacts();
    let again = Node::start(me, store, "public").await;
    assert_eq!(again.service.people().contacts(), in_memory);
}

#[tokio::test]
async fn no_answer_event_or_snapshot_holds_a_secret() {
    let phrase = RecoveryPhrase::generate().unwrap();
    let unlocked = Unlocked::new(&phrase, DeviceName::new("desk").unwrap(), NOW).unwrap();
    let secret = unlocked.transport.expose_for_transport();
    let secret_hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let secret_list = secret.iter().map(u8::to_string).collect::<Vec<_>>().join(",");
    let mut node = Node::start(Arc::new(unlocked.identity), Arc::new(MemoryStore::default()), "public").await;
    let link = identity("laptop").invite(InvitationDraft::new(NetworkName::public())).to_string();

    let mut said = vec![node.accept(&link, "Ann").await.1.to_string()];
    for path in ["/me", "/contacts", "/contacts/Ann"] {
        said.push(node.get(path).await.to_string());
    }
    said.push(node.invite().await);
    said.push(node.service.snapshot().to_string());
    said.push(serde_json::to_string(&node.feed.snapshot()).unwrap());
    said.extend(node.events().into_iter().map(|(kind, data)| kind + &data.to_string()));
    let said = said.join("\n");
    assert!(said.contains("ledger_address"), "something was looked at");
    assert!(!said.contains(&secret_hex) && !said.contains(&secret_list));
    // Three words in a row are no accident, single ones may be.
    let words = phrase.reveal();
    let words: Vec<&str> = words.split(' ').collect();
    assert!(words.windows(3).all(|three| !said.contains(&three.join(" "))));
}

#[tokio::test]
async fn the_openapi_part_names_every_route() {
    let node = Node::fresh("desk").await;
    let (_, openapi) = node.service.api().split_for_parts();
    let document = serde_json::to_value(&openapi).unwrap();
    for (path, methods) in [
        ("/me", &["get"][..]),
        ("/contacts", &["get", "post"]),
        ("/contacts/{who}", &["get", "patch", "delete"]),
        ("/invitations", &["post"]),
        ("/invitations/inspect", &["post"]),
        ("/invitations/accept", &["post"]),
    ] {
        for method in methods {
            assert!(document["paths"][path][method]["operationId"].is_string(), "{method} {path}");
        }
    }
}
