CREATE TABLE `store_locks` (
	`place` text NOT NULL,
	`name` text NOT NULL,
	`mode` text NOT NULL,
	`until` integer NOT NULL,
	PRIMARY KEY(`place`, `name`)
);
