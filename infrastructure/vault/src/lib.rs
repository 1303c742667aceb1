//! Keys per subject and purpose, sealing, shredding, the hash chain and the blind index.
