//! Readers for foreign formats, VRL mappings, and the resolver for identifiers, units and time zones.
