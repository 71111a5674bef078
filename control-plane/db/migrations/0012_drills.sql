CREATE TABLE `assertions` (
	`databaseId` text NOT NULL,
	`position` integer NOT NULL,
	`name` text NOT NULL,
	`query` text NOT NULL,
	PRIMARY KEY(`databaseId`, `position`)
);
--> statement-breakpoint
CREATE TABLE `drill_verdicts` (
	`databaseId` text PRIMARY KEY NOT NULL,
	`jobId` text NOT NULL,
	`outcome` text NOT NULL,
	`finishedAt` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `drills` (
	`jobId` text PRIMARY KEY NOT NULL,
	`databaseId` text NOT NULL,
	`snapshotId` text NOT NULL,
	`outcome` text NOT NULL,
	`finishedAt` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `drills_database` ON `drills` (`databaseId`,`finishedAt`);--> statement-breakpoint
CREATE INDEX `drills_snapshot` ON `drills` (`snapshotId`,`finishedAt`);--> statement-breakpoint
ALTER TABLE `policies` ADD `drill` text;