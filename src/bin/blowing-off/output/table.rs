//! Drawing tables for a terminal: columns and space, no lines, and ids no
//! longer than tells them apart.

use comfy_table::{Attribute, Cell, Color, ColumnConstraint, ContentArrangement, Table, presets};

use super::text::clean;

/// A terminal that claims less columns than this is not believed.
const NARROWEST: u16 = 40;
/// What is taken instead.
const USUAL_WIDTH: u16 = 100;

/// Rows under a header.
pub(super) fn draw(header: &[&str], rows: &[Vec<String>], colour: bool) -> String {
    let mut table = blank();
    table.set_header(header.iter().map(|name| {
        let cell = Cell::new(label(name));
        if colour {
            cell.add_attribute(Attribute::Bold)
        } else {
            cell
        }
    }));
    let mut rows = rows.to_vec();
    for (column, name) in header.iter().enumerate() {
        if matches!(*name, "id" | "entity_id") {
            shorten(&mut rows, column);
        }
    }
    for row in &rows {
        table.add_row(
            row.iter()
                .zip(header)
                .map(|(text, name)| value(text, name, colour)),
        );
    }
    finish(table)
}

/// A column's heading, in the few letters that a terminal has room for.
fn label(name: &str) -> String {
    let short = match name {
        "device_type" | "room_type" | "event_type" => "type",
        "house_id" => "house",
        "room_id" => "room",
        "entity_type" => "about",
        "sync_status" => "status",
        "created_at" => "time",
        other => other,
    };
    short.to_uppercase().replace('_', " ")
}

/// The least that is shown of a UUID.
const SHORTEST: usize = 8;

/// Cuts the UUIDs of a column to prefixes that fit no other one in it: a prefix
/// is as good as an id on the command line. Other ids stay whole.
fn shorten(rows: &mut [Vec<String>], column: usize) {
    let mut ids: Vec<String> = rows.iter().filter_map(|row| row.get(column)).cloned().collect();
    ids.sort();
    ids.dedup();
    let shared = |one: &str, other: &str| one.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
    for id in rows.iter_mut().filter_map(|row| row.get_mut(column)) {
        let Ok(at) = ids.binary_search(id) else { continue };
        if id.len() != 36 || uuid::Uuid::try_parse(id).is_err() {
            continue;
        }
        // In a sorted list the most alike are neighbours.
        let before = at.checked_sub(1).and_then(|at| ids.get(at));
        let alike = before
            .into_iter()
            .chain(ids.get(at + 1))
            .map(|other| shared(id, other));
        let mut length = alike.max().unwrap_or(0).saturating_add(1).max(SHORTEST);
        if id.as_bytes().get(length - 1) == Some(&b'-') {
            length += 1;
        }
        id.truncate(length);
    }
}

/// Names on the left, values on the right.
pub(super) fn draw_pairs(rows: &[Vec<String>], colour: bool) -> String {
    let mut table = blank();
    for row in rows {
        let name = row.first().map(String::as_str).unwrap_or_default();
        table.add_row(row.iter().enumerate().map(|(column, text)| match column {
            0 if colour => Cell::new(clean(text)).add_attribute(Attribute::Bold),
            0 => Cell::new(clean(text)),
            _ => value(text, name, colour),
        }));
    }
    finish(table)
}

fn blank() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    // Terminals that programs make often claim to be of no width at all.
    if table.width().is_none_or(|width| width < NARROWEST) {
        table.set_width(USUAL_WIDTH);
    }
    table
}

fn finish(mut table: Table) -> String {
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        // The first column is what one copies: an id, or a field's name.
        if index == 0 {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    table.trim_fmt()
}

fn value(text: &str, name: &str, colour: bool) -> Cell {
    let cell = Cell::new(clean(text));
    if !colour || !matches!(name, "sync_status" | "state" | "status") {
        return cell;
    }
    match text {
        "pending" | "queued" => cell.fg(Color::Yellow),
        "conflict" => cell.fg(Color::Magenta),
        "error" | "failed" => cell.fg(Color::Red),
        _ => cell,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_as_long_as_it_takes_to_tell_them_apart() {
        let column = |ids: &[&str]| {
            let mut rows: Vec<Vec<String>> = ids.iter().map(|id| vec![(*id).to_owned()]).collect();
            shorten(&mut rows, 0);
            rows.concat()
        };
        let (one, two, three) = (
            "0192f1aa-bbcc-7ddd-8eee-000000000000",
            "0192f1aa-bbdd-7ddd-8eee-000000000000",
            "f192f1aa-bbcc-7ddd-8eee-000000000000",
        );
        assert_eq!(column(&[one]), ["0192f1aa"]);
        assert_eq!(column(&[one, one]), ["0192f1aa", "0192f1aa"]);
        assert_eq!(
            column(&[two, three, one]),
            ["0192f1aa-bbd", "f192f1aa", "0192f1aa-bbc"]
        );
        let long = "x".repeat(36);
        assert_eq!(column(&["device-123", &long]), ["device-123".to_owned(), long]);
    }

    #[test]
    fn a_table_is_columns_and_space() {
        let rows = [
            vec!["1".to_owned(), "Hall".to_owned()],
            vec!["22".to_owned(), "A\u{1b}[2J".to_owned()],
        ];
        let drawn = draw(&["id", "room_type"], &rows, false);
        let lines: Vec<&str> = drawn.lines().collect();
        assert_eq!(lines, ["ID  TYPE", "1   Hall", "22  A\u{fffd}[2J"]);
    }

    #[test]
    fn without_colour_there_is_no_escape_sequence() {
        let rows = [vec!["sync_status".to_owned(), "error".to_owned()]];
        assert_eq!(draw_pairs(&rows, false), "sync_status  error");
    }
}
