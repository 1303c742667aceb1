//! The published language: Avro records per topic and version, and the catalogue of events.
