CREATE TABLE `doomed_files` (
	`vaultId` text NOT NULL,
	`name` text NOT NULL,
	`length` integer NOT NULL,
	`notBefore` integer DEFAULT 0 NOT NULL,
	PRIMARY KEY(`vaultId`, `name`)
);
--> statement-breakpoint
CREATE TABLE `snapshot_marks` (
	`snapshotId` text PRIMARY KEY NOT NULL,
	`databaseId` text NOT NULL,
	`reasons` text,
	`expiresAt` integer,
	`pinnedAt` integer,
	`note` text
);
--> statement-breakpoint
CREATE INDEX `snapshot_marks_database` ON `snapshot_marks` (`databaseId`);--> statement-breakpoint
CREATE INDEX `snapshot_marks_expiry` ON `snapshot_marks` (`expiresAt`);--> statement-breakpoint
ALTER TABLE `policies` ADD `retention` text;--> statement-breakpoint
ALTER TABLE `packs` ADD `condemnedAt` integer;--> statement-breakpoint
ALTER TABLE `packs` ADD `waitsFor` text;