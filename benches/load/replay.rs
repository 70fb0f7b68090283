//! The limit of a request: its own statements, run again without the program around them.

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
            .map(|thread| thread.join().unwrap_or_else(|_| Err("a replaying thread panicked".to_owned())))
            .collect()
    });
    let replayed: usize = counts.into_iter().collect::<Result<Vec<_>, _>>()?.iter().sum();
    Ok(replayed as f64 / started.elapsed().as_secs_f64())
}
