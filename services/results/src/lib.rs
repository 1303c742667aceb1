//! The results service: clinical results and who reads them.
