//! Commitments and disclosure, statements and objects, the pure state machine, bundles and their verification.
