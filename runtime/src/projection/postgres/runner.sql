-- Version 2: who keeps the rows of a read model up to date. Others stand by.

ALTER TABLE eventloom.read_models ADD COLUMN runner uuid;
