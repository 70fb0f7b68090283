//! The limit of a request: its own statements, run again without the program around them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::statement::{Connection, Statement};

/// How often a second the statements of a request can be run, on as many threads as given, each with a
/// connection of its own. The requests go round.
pub fn reads_per_second(
    connections: &mut [Connection],
    requests: &[Vec<Statement>],
    time: Duration,
) -> Result<f64, String> {
    let next = AtomicUsize::new(0);
    let started = Instant::now();
    let replay = |connection: &mut Connection| -> Result<usize, String> {
        let mut replayed = 0;
        while started.elapsed() < time {
            let index = next.fetch_add(1, Ordering::Relaxed) % requests.len();
            for statement in &requests[index] {
                connection.run(statement).map_err(|error| error.to_string())?;
            }
            replayed += 1;
        }
        Ok(replayed)
    };
    let counts: Vec<Result<usize, String>> = std::thread::scope(|scope| {
        let threads: Vec<_> = connections
            .iter_mut()
            .map(|connection| scope.spawn(|| replay(connection)))
            .collect();
        threads
            .into_iter()
            .map(|thread| {
                thread
                    .join()
                    .unwrap_or_else(|_| Err("a replaying thread panicked".to_owned()))
            })
            .collect()
    });
    let replayed: usize = counts.into_iter().collect::<Result<Vec<_>, _>>()?.iter().sum();
    Ok(replayed as f64 / started.elapsed().as_secs_f64())
}

/// What each statement of some requests costs, the dearest first: the statements are run once more, timed one
/// by one, and shown.
pub fn show_costs(connection: &mut Connection, requests: &[Vec<Statement>]) -> Result<(), String> {
    let mut costs: HashMap<String, (u32, Duration)> = HashMap::new();
    for statement in requests.iter().flatten() {
        let started = Instant::now();
        connection.run(statement).map_err(|error| error.to_string())?;
        let (times, cost) = costs.entry(statement.text()).or_default();
        *times += 1;
        *cost += started.elapsed();
    }
    let mut costs: Vec<_> = costs.into_iter().collect();
    costs.sort_by_key(|(_, (_, cost))| std::cmp::Reverse(*cost));
    println!();
    for (text, (times, cost)) in costs {
        let each = cost.as_secs_f64() * 1e6 / f64::from(times);
        let a_request = f64::from(times) / requests.len() as f64;
        println!("    {each:8.1} µs, {a_request:.1} a request: {text}");
    }
    println!();
    Ok(())
}
