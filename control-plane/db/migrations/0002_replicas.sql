CREATE TABLE `replica_copies` (
	`vaultId` text NOT NULL,
	`name` text NOT NULL,
	`length` integer NOT NULL,
	PRIMARY KEY(`vaultId`, `name`)
);
