//! A sync of a graph with nothing to do. One that is due asks for changes and reads
//! no edges: one round trip. One that was asked for reads the listing of edges too,
//! whose cost is the protocol's: it is as large as the house.

use wildthing::client::Durability;
use wildthing::protocol::v2::{SYNC_PATH, relationships_path};
use wildthing::transport::{Request, Transport};

use crate::engine::{self, Engine};
use crate::hub::House;
use crate::no_change::Beside;
use crate::report::Budget;
use crate::{Bench, Outcome, client, plain_graph};

pub(crate) fn run(bench: &mut Bench) -> Outcome {
    let house = House::V2(bench.pick(3_000, 300));
    let url = bench.hubs.url_of(house)?;
    let runtime = &bench.runtime;
    let path = bench.file("graph-no-change.db");
    let transport = engine::transport(&url)?;
    let send = async |request: Request| -> Outcome<Vec<u8>> {
        let answer = transport.send(request).await?;
        match answer.status {
            200 => Ok(answer.body),
            status => Err(format!("the hub answers {status}").into()),
        }
    };

    let due = Engine::open(&path, &url)?;
    runtime.block_on(due.sync(true))?;
    let since: String = rusqlite::Connection::open(&path)?.query_row(
        "SELECT server_time FROM watermarks WHERE kind = 'graph'",
        [],
        |row| row.get(0),
    )?;
    // A minute before, as the engine asks.
    let since = wildthing::model::Timestamp::parse(&since)?.plus_micros(-60_000_000);
    let since = wildthing::protocol::v2::wire_time(since);
    let changes = async || {
        let body = plain_graph::question(None, Some(&since)).to_string();
        send(Request::post(SYNC_PATH, body.into_bytes())).await
    };
    let edges = async || {
        let mut request = Request::get(relationships_path());
        request.listing = true;
        send(request).await
    };

    let beside = Beside {
        what: "v2 no-change sync that is due",
        trips: "its round trip",
        budget: Budget::AtMost(1.0),
        rounds: bench.pick(12, 3),
        turns: bench.pick(50, 5),
    };
    let rows = beside.rows(
        || match runtime.block_on(due.sync(false))?.until_listing {
            None => Ok(()),
            Some(_) => Err("it read the edges".into()),
        },
        || runtime.block_on(changes()).map(drop),
    )?;
    rows.into_iter().for_each(|row| bench.report.add(row));

    let client = runtime.block_on(client::open(&path, Durability::Full, Some(&url)))?;
    let beside = Beside {
        what: "v2 no-change sync that was asked for",
        trips: "its round trips, one of them the edges",
        budget: Budget::Open,
        rounds: bench.pick(7, 3),
        turns: bench.pick(10, 5),
    };
    let rows = beside.rows(
        || runtime.block_on(client::sync(&client)).map(drop),
        || {
            runtime.block_on(async {
                changes().await?;
                edges().await.map(drop)
            })
        },
    )?;
    rows.into_iter().for_each(|row| bench.report.add(row));
    runtime.block_on(client.shutdown());
    Ok(())
}
