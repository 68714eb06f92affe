-- What of a reader's is gathered at the moment: a JSON object, by type the event of the row that will leave.
ALTER TABLE incentive_notify_readers ADD COLUMN gathering TEXT;
