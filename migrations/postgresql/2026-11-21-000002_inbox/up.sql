-- Acknowledged notifications not yet in the queue: one packed row for each request body.
-- Not keyed by connection, because one body may hold several; drained at once.
CREATE TABLE inbox (
    inbox_id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    received_at BIGINT NOT NULL,
    batch BYTEA NOT NULL
);
