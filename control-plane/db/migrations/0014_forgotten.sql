CREATE TABLE `forgotten_snapshots` (
	`snapshotId` text PRIMARY KEY NOT NULL,
	`vaultId` text NOT NULL,
	`serverId` text NOT NULL,
	`path` text NOT NULL
);
--> statement-breakpoint
ALTER TABLE `vault_keys` ADD `damagedAt` integer;--> statement-breakpoint
CREATE INDEX `packs_server` ON `packs` (`vaultId`,`serverId`);--> statement-breakpoint
CREATE INDEX `snapshots_server` ON `snapshots` (`vaultId`,`serverId`);