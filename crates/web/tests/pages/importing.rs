//! From a partner's file to its events, by forms alone.

use countermark_node::access::Role;
use countermark_node::{EpcFormat, Scope};

use crate::support::{FARM, KITCHEN, World};

/// Five rows, of which two are right once the unknown is explained.
const DIRTY: &str = "Ship Date;Ship To;Item;Lot #;Qty;UOM\n\
    11/14/26;Example DC;09520000003012;L16A;120;cs\n\
    11/15/26;Example DC;09520000003013;L16B;10;cs\n\
    11/16/26;9520000002015;09520000003012;L16C;-5;EA\n\
    ;Example DC;09520000003012;L16D;60;EA\n\
    11/18/26;Example DC;09520000003012;L16E;7;EA\n";

const COLUMNS: &str = "do=columns&name=my-list&column-date=Ship+Date&column-to=Ship+To&\
    column-item=Item&column-lot=Lot+%23&column-quantity=Qty&column-unit=UOM&step=shipping&\
    place=9520000001018&time-zone=Europe%2FBerlin&clock=12%3A00&dates=mdy&decimal=point&default-unit=EA";

#[tokio::test]
async fn a_dirty_table_of_unknown_layout_becomes_events_and_a_list_of_what_was_left_out() {
    let world = World::new();
    let cookie = world.signed_in("farm desk", Role::MemberUser, Some(FARM));
    let brought = world.upload(&cookie, "/app/import", "list.csv", DIRTY.as_bytes(), "").await;
    assert_eq!(brought.status, 303, "{}", brought.text);
    let draft = brought.location;
    let page = world.get(&cookie, &draft).await;
    assert!(page.text.contains("What the columns mean"), "{}", page.text);
    assert!(page.text.contains("<option selected>Ship Date</option>"), "{}", page.text);

    let read = world.post(&cookie, &draft, COLUMNS).await;
    assert_eq!(read.location, format!("{draft}?done=columns"), "{}", read.text);
    let page = world.get(&cookie, &draft).await;
    assert!(page.text.contains("cannot be taken yet"), "{}", page.text);
    assert!(page.text.contains("Example DC"), "{}", page.text);

    let wrong = world
        .post(&cookie, &draft, "do=party&value=Example+DC&name=Example+DC&gln=9520000002016")
        .await;
    assert_eq!(wrong.status, 400, "{}", wrong.text);
    assert!(wrong.text.contains("check digit"), "{}", wrong.text);
    let right = "do=party&value=Example+DC&name=Example+DC&gln=9520000002015";
    assert_eq!(world.post(&cookie, &draft, right).await.location, format!("{draft}?done=known"));

    let left = world.post(&cookie, &draft, "do=leave-out").await;
    assert_eq!(left.location, format!("{draft}?done=left"), "{}", left.text);
    let page = world.get(&cookie, &draft).await;
    assert!(page.text.contains("2 events would come of"), "{}", page.text);
    let rows = world.get(&cookie, &format!("{draft}/left-out")).await;
    for row in ["\n3,", "\n4,", "\n5,"] {
        assert!(rows.text.contains(row), "{}", rows.text);
    }

    let none = world.node.events(&Scope::All, "", EpcFormat::NoPreference).unwrap().events.len();
    assert_eq!(none, 0, "nothing was recorded by looking");
    let job = world.post(&cookie, &draft, "do=let-in").await;
    assert_eq!(job.status, 303, "{}", job.text);
    world.node.jobs_run_queued().unwrap();
    let page = world.get(&cookie, &job.location).await;
    assert!(page.text.contains("2 events recorded"), "{}", page.text);
    assert!(page.text.contains("left-out"), "{}", page.text);
    assert_eq!(
        world.node.events(&Scope::All, "", EpcFormat::NoPreference).unwrap().events.len(),
        2
    );
    assert!(world.get(&cookie, "/app").await.text.contains("list.csv"));

    // The layout is known by its name next time, and rows that are in already are not new.
    let again = world.upload(&cookie, "/app/import", "list.csv", DIRTY.as_bytes(), "").await;
    let page = world.get(&cookie, &again.location).await;
    assert!(page.text.contains("through the mapping my-list"), "{}", page.text);
    world.post(&cookie, &again.location, "do=leave-out").await;
    let page = world.get(&cookie, &again.location).await;
    assert!(page.text.contains("0 would be new, 2 are recorded already"), "{}", page.text);
}

#[tokio::test]
async fn what_one_member_says_of_a_code_changes_nothing_for_another() {
    let world = World::new();
    let farm = world.signed_in("farm desk", Role::MemberUser, Some(FARM));
    let kitchen = world.signed_in("kitchen desk", Role::MemberUser, Some(KITCHEN));
    let mut drafts = Vec::new();
    for cookie in [&farm, &kitchen] {
        let draft = world.upload(cookie, "/app/import", "list.csv", DIRTY.as_bytes(), "").await;
        world.post(cookie, &draft.location, COLUMNS).await;
        drafts.push(draft.location);
    }
    let right = "do=party&value=Example+DC&name=Example+DC&gln=9520000002015";
    assert_eq!(world.post(&farm, &drafts[0], right).await.status, 303);
    let known = |page: &str| !page.contains("This is what it is");
    assert!(known(&world.get(&farm, &drafts[0]).await.text));
    assert!(!known(&world.get(&kitchen, &drafts[1]).await.text));
    // Nor does one see the other's files.
    assert_eq!(world.get(&kitchen, &drafts[0]).await.status, 404);
    assert_eq!(world.post(&kitchen, &drafts[0], "do=let-in").await.status, 404);
    assert!(!world.get(&kitchen, "/app/import").await.text.contains(&drafts[0]));
}

#[tokio::test]
async fn a_table_of_a_known_layout_needs_no_choice() {
    let world = World::new();
    let owner = world.owner();
    let csv = "Harvest Date,Harvest Time,Farm GLN,Field,GTIN,Lot,Qty,UOM,Record\n\
               2026-11-16,08:30,9520000001018,Upper,09520000003012,L16A,1200,KG,H-1\n";
    let master = "[[site]]\ngln = \"9520000001018\"\nname = \"Hill\"\nzone = \"Europe/Berlin\"\n";
    world.node.master_data_add("m", master.as_bytes()).unwrap();
    let brought = world.upload(&owner, "/app/import", "harvest.csv", csv.as_bytes(), FARM).await;
    let page = world.get(&owner, &brought.location).await;
    assert!(page.text.contains("1 event would come of harvest.csv"), "{}", page.text);
    assert!(page.text.contains("csv-harvest"), "{}", page.text);
}

#[tokio::test]
async fn no_file_an_empty_one_and_a_wrong_form_are_refused_in_words() {
    let world = World::new();
    let owner = world.owner();
    let empty = world.upload(&owner, "/app/import", "a.csv", b"", FARM).await;
    assert_eq!(empty.status, 422);
    assert!(empty.text.contains("no file was chosen"), "{}", empty.text);
    let wrong = world.post(&owner, "/app/import", "file=a").await;
    assert_eq!(wrong.status, 415);
    let nonsense = world.upload(&owner, "/app/import", "a.bin", &[0, 159, 146, 150], FARM).await;
    assert_eq!(nonsense.status, 303, "{}", nonsense.text);
    let page = world.get(&owner, &nonsense.location).await;
    assert_eq!(page.status, 200, "{}", page.text);
    let gone = world.post(&owner, &nonsense.location, "do=forget").await;
    assert_eq!(gone.location, "/app/import");
    assert_eq!(world.get(&owner, &nonsense.location).await.status, 404);
}
