//! Memory that nobody uses any more, given back to the machine.

#![expect(unsafe_code, reason = "the allocator's function is C's")]

// What is called below comes with it.
use mimalloc as _;

unsafe extern "C" {
    fn mi_collect(force: bool);
}

/// Gives back what is free. The allocator does so by itself only when more is asked of it later, and what starting took
/// would stay with a server that has nothing to do.
///
/// Does nothing where the program has another allocator.
pub fn give_back() {
    // SAFETY: It is declared as mimalloc declares it, and may be called at any time on any thread.
    unsafe { mi_collect(true) }
}
