//! The procedures of a case with all that was recorded on them, read in two statements. Called where a use case is
//! about all of them.

use std::collections::HashMap;

use super::{Error, Work};
use crate::casework::history::Entry;
use crate::store::procedure::{ProcedureRow, load_streams, procedures_of_case};

/// The procedures of a case, in the order in which they were opened, and their streams.
pub(super) struct CaseRecord {
    pub procedures: Vec<ProcedureRow>,
    streams: HashMap<String, Vec<Entry>>,
}

impl CaseRecord {
    /// Of a case that exists for whoever asks.
    pub fn load(work: &mut Work<'_>, case_id: &str) -> Result<CaseRecord, Error> {
        let la_code = work.la_code();
        let procedures = procedures_of_case(work.connection, &la_code, case_id)?;
        let mut streams: HashMap<String, Vec<Entry>> = HashMap::new();
        for (procedure_id, entry) in load_streams(work.connection, &procedures)? {
            streams.entry(procedure_id).or_default().push(entry);
        }
        Ok(CaseRecord { procedures, streams })
    }

    /// What was recorded on one of them.
    pub fn stream(&self, procedure: &ProcedureRow) -> &[Entry] {
        self.streams.get(&procedure.id).map_or(&[], Vec::as_slice)
    }
}
