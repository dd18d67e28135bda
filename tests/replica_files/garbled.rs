//! Garbage anywhere in the file, by chance: opening never crashes, never moves a
//! healthy file away, and never drops an unsent edit that could still be read.

use super::*;

/// How many files are spoilt; more with `GARBLED_FILES`.
const FILES: u64 = 300;
const EDITS: usize = 40;

/// SplitMix64: the same seed spoils the same bytes.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }
}

fn spoil(bytes: &mut [u8], chance: &mut Chance) -> String {
    let at = chance.below(bytes.len());
    match chance.below(4) {
        0 => {
            bytes[at] ^= 1 << chance.below(8);
            format!("a bit at {at}")
        }
        1 => {
            let page = at / 4_096 * 4_096;
            bytes[page..page + 4_096].fill(0);
            format!("a page of zeros at {page}")
        }
        kind => {
            let length = if kind == 2 { 8 } else { 2_000 };
            let end = bytes.len().min(at + chance.below(length) + 1);
            bytes[at..end].fill_with(|| chance.next() as u8);
            format!("garbage from {at} to {end}")
        }
    }
}

/// The unsent edits that SQL finds one by one, with every column of record and outbox.
fn readable(path: &Path) -> BTreeMap<String, Vec<rusqlite::types::Value>> {
    let one = |id: &str| {
        // Of an encrypted file a connection reads nothing more once it met damage.
        let file = wildthing::store::test_connection(path).ok()?;
        let sql = "SELECT * FROM outbox o JOIN records r ON r.kind = o.kind AND r.id = o.id
                   WHERE o.kind = 'room' AND o.id = ?1";
        let mut statement = file.prepare(sql).ok()?;
        let columns = statement.column_count();
        let row = statement.query_row([id], |row| (0..columns).map(|column| row.get(column)).collect());
        row.ok()
    };
    let ids = (0..EDITS).map(|index| format!("room-{index:03}"));
    ids.filter_map(|id| one(&id).map(|row| (id, row))).collect()
}

/// Opens the replica and works with it. Damage may show only when the page that has it
/// is met: then the next open sees to it.
fn used(path: &Path) -> Result<Store, StoreError> {
    loop {
        let store = open(path)?;
        let worked = store
            .read(outbox::list)
            .and_then(|_| write(&store, "after", "Works"));
        match worked {
            Ok(_) => return Ok(store),
            Err(error) => assert_eq!(error.code(), "corrupt", "{error}"),
        }
        assert!(store.salvage().is_none(), "what was made anew is damaged");
    }
}

#[test]
fn garbage_anywhere_costs_no_edit_that_could_be_read() {
    let origin = Place::new();
    let store = open(&origin.db()).unwrap();
    for index in 0..EDITS {
        write(&store, &format!("room-{index:03}"), &format!("Room {index}")).unwrap();
    }
    store.close();
    let whole = std::fs::read(origin.db()).unwrap();
    let written = readable(&origin.db());
    assert_eq!(written.len(), EDITS);
    let files_to_spoil = std::env::var("GARBLED_FILES").map_or(FILES, |count| count.parse().unwrap());
    let (mut refused, mut aside, mut unharmed) = (0, 0, 0);
    for seed in 0..files_to_spoil {
        let place = Place::new();
        let mut bytes = whole.clone();
        let what = format!("seed {seed}: {}", spoil(&mut bytes, &mut Chance(seed)));
        std::fs::write(place.db(), &bytes).unwrap();
        let mut expected = readable(&place.db());
        // What was garbled is no edit of anybody's.
        expected.retain(|id, row| written.get(id) == Some(row));
        let store = match used(&place.db()) {
            Ok(store) => store,
            Err(error) => {
                let known = ["not_a_database", "newer_schema"];
                assert!(known.contains(&error.code()), "{what}: {error}");
                assert_eq!(std::fs::read(place.db()).unwrap(), bytes, "{what}");
                refused += 1;
                continue;
            }
        };
        let there = unsent(&store);
        let lost: Vec<&String> = expected.keys().filter(|id| !there.contains(id)).collect();
        assert!(lost.is_empty(), "{what}: lost {lost:?}; {:?}", store.salvage());
        match store.salvage() {
            Some(salvage) => {
                assert!(salvage.set_aside.exists(), "{what}");
                aside += 1;
            }
            None => unharmed += 1,
        }
    }
    println!("{files_to_spoil} files: {refused} refused, {aside} set aside, {unharmed} in use as they are");
    assert!(aside > 0 && unharmed > 0);
}
