ALTER TABLE `packs` ADD `damagedAt` integer;--> statement-breakpoint
ALTER TABLE `snapshots` ADD `damagedAt` integer;