// What pages do beside what they do without a script.
