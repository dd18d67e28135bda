//! Damage to an encrypted file: with its key it is set aside and its edits are carried
//! over, wherever the damage is; without it nothing happens to it.

use super::*;

fn spoil(path: &Path, from: usize, to: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[from..to].fill(0xa5);
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn whatever_page_is_spoilt_its_owner_goes_on_and_nobody_else_harms_it() {
    let origin = Place::new();
    filled(&origin.db(), Some(ANN), 120);
    let pages = std::fs::read(origin.db()).unwrap().len() / 4_096;
    let (mut some, mut all) = (0, 0);
    for page in 0..pages {
        let place = origin.as_left();
        spoil(&place.db(), page * 4_096, (page + 1) * 4_096);
        std::fs::write(place.file("replica.db.suspect"), "damage was seen").unwrap();
        let before = files(place.folder());
        let code = open(&place.db(), Some(BEN)).unwrap_err().code();
        // Where the head is gone it does not look like an encrypted file any more.
        let expected = if page == 0 { "not_a_database" } else { "wrong_key" };
        assert_eq!(code, expected, "page {page}");
        assert!(files(place.folder()) == before, "page {page}");

        let store = open(&place.db(), Some(ANN)).unwrap();
        let salvage = store
            .salvage()
            .unwrap_or_else(|| panic!("page {page}: it was not noticed"));
        assert!(salvage.set_aside.exists());
        assert_eq!(unsent(&store) as u64, salvage.edits_saved, "page {page}");
        match salvage.edits_saved {
            120 => all += 1,
            saved @ 1.. => {
                assert!(saved > 50, "page {page}: {saved} edits saved");
                some += 1;
            }
            // The page where the schema is, or the outbox begins.
            0 => {}
        }
    }
    println!("{pages} pages, {some} of which cost some edits, {all} none");
    assert!(
        some > 3 && all > 5,
        "of {pages} pages {some} cost some, {all} none"
    );
}

#[test]
fn damage_to_the_head_alone_is_no_wrong_key() {
    for (from, to) in [(0, 16), (0, 100), (16, 4_096), (0, 4_096)] {
        let place = Place::new();
        filled(&place.db(), Some(ANN), 10);
        spoil(&place.db(), from, to);
        let store = open(&place.db(), Some(ANN)).unwrap();
        // Of the first 16 bytes SQLite needs none, since the key says what they were.
        assert_eq!(store.salvage().is_some(), to > 16, "{from}..{to}");
        write(&store, "after", "Works").unwrap();
        assert_eq!(unsent(&store), if to > 16 { 1 } else { 11 }, "{from}..{to}");
    }
}

#[test]
fn damage_that_is_met_later_is_told_and_mended_by_the_next_open() {
    let place = Place::new();
    filled(&place.db(), Some(ANN), 120);
    let store = open(&place.db(), Some(ANN)).unwrap();
    // Where a list of unsent edits begins.
    let root = "SELECT rootpage FROM sqlite_schema WHERE name = 'outbox'";
    let page: i64 = store
        .read(|connection| Ok(connection.query_row(root, [], |row| row.get(0))?))
        .unwrap();
    let page = usize::try_from(page).unwrap();
    store.close();
    spoil(&place.db(), (page - 1) * 4_096, page * 4_096);
    let store = open(&place.db(), Some(ANN)).unwrap();
    assert_eq!(store.salvage(), None, "what is damaged was not read yet");
    let error = write(&store, "room-1", "Again").unwrap_err();
    assert_eq!(error.code(), "corrupt", "{error}");
    assert_eq!(
        store.read(outbox::list).err().map(|error| error.code()),
        Some("corrupt")
    );
    drop(store);
    let again = open(&place.db(), Some(ANN)).unwrap();
    assert!(again.salvage().is_some());
    write(&again, "after", "Works").unwrap();
}
