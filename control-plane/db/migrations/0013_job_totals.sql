CREATE TABLE `job_durations` (
	`kind` text NOT NULL,
	`state` text NOT NULL,
	`atMost` integer NOT NULL,
	`jobs` integer NOT NULL,
	PRIMARY KEY(`kind`, `state`, `atMost`)
);
--> statement-breakpoint
CREATE TABLE `job_totals` (
	`kind` text NOT NULL,
	`state` text NOT NULL,
	`jobs` integer NOT NULL,
	`ran` integer NOT NULL,
	`seconds` real NOT NULL,
	`rawBytes` integer NOT NULL,
	`storedBytes` integer NOT NULL,
	`reusedBytes` integer NOT NULL,
	PRIMARY KEY(`kind`, `state`)
);
--> statement-breakpoint
DROP INDEX `snapshots_database`;--> statement-breakpoint
CREATE INDEX `snapshots_vault` ON `snapshots` (`vaultId`);--> statement-breakpoint
CREATE INDEX `snapshots_database` ON `snapshots` (`databaseId`,`sequence`,`createdAt`);