CREATE TABLE `database_facts` (
	`databaseId` text PRIMARY KEY NOT NULL,
	`snapshots` integer DEFAULT 0 NOT NULL,
	`rawBytes` integer DEFAULT 0 NOT NULL,
	`storedBytes` integer DEFAULT 0 NOT NULL,
	`backupJobId` text,
	`backupCreatedAt` integer,
	`backupState` text,
	`backupFinishedAt` integer
);
--> statement-breakpoint
CREATE TABLE `vault_totals` (
	`vaultId` text PRIMARY KEY NOT NULL,
	`packs` integer DEFAULT 0 NOT NULL,
	`bytes` integer DEFAULT 0 NOT NULL
);
--> statement-breakpoint
DROP INDEX `jobs_state`;--> statement-breakpoint
DROP INDEX `jobs_database`;--> statement-breakpoint
DROP INDEX `jobs_created`;--> statement-breakpoint
CREATE INDEX `jobs_listed` ON `jobs` (`createdAt`,`id`,`agentId`);--> statement-breakpoint
CREATE INDEX `jobs_in_state` ON `jobs` (`state`,`createdAt`,`id`,`agentId`);--> statement-breakpoint
CREATE INDEX `jobs_of_database` ON `jobs` (`databaseId`,`createdAt`,`id`,`agentId`,`state`);--> statement-breakpoint
CREATE INDEX `jobs_of_agent` ON `jobs` (`agentId`,`createdAt`,`id`,`state`);--> statement-breakpoint
CREATE INDEX `databases_listed` ON `databases` (`name`,`id`,`serverId`,`protectedAt`);--> statement-breakpoint
CREATE INDEX `snapshots_listed` ON `snapshots` (`createdAt`,`sequence`,`databaseId`);
--> statement-breakpoint
-- What follows is written by hand: the summaries as they are now, and the triggers that keep them.
INSERT INTO `database_facts` (`databaseId`) SELECT `databaseId` FROM `snapshots` UNION SELECT `databaseId` FROM `jobs` WHERE `kind` = 'backup';--> statement-breakpoint
UPDATE `database_facts` SET (`snapshots`, `rawBytes`, `storedBytes`) = (
	SELECT count(*), coalesce(sum(s.`rawBytes`), 0), coalesce(sum(s.`storedBytes`), 0)
	FROM `snapshots` s WHERE s.`databaseId` = `database_facts`.`databaseId`
);--> statement-breakpoint
UPDATE `database_facts` SET (`backupJobId`, `backupCreatedAt`, `backupState`, `backupFinishedAt`) = (
	SELECT j.`id`, j.`createdAt`, j.`state`, j.`finishedAt` FROM `jobs` j
	WHERE j.`databaseId` = `database_facts`.`databaseId` AND j.`kind` = 'backup' ORDER BY j.`createdAt` DESC LIMIT 1
);--> statement-breakpoint
INSERT INTO `vault_totals` SELECT `vaultId`, count(*), sum(`length`) FROM `packs` GROUP BY `vaultId`;--> statement-breakpoint
CREATE TRIGGER `snapshots_added` AFTER INSERT ON `snapshots` BEGIN
	INSERT INTO `database_facts` (`databaseId`) SELECT NEW.`databaseId`
		WHERE NOT EXISTS (SELECT 1 FROM `database_facts` WHERE `databaseId` = NEW.`databaseId`);
	UPDATE `database_facts` SET `snapshots` = `snapshots` + 1, `rawBytes` = `rawBytes` + NEW.`rawBytes`,
		`storedBytes` = `storedBytes` + NEW.`storedBytes` WHERE `databaseId` = NEW.`databaseId`;
END;--> statement-breakpoint
CREATE TRIGGER `snapshots_removed` AFTER DELETE ON `snapshots` BEGIN
	UPDATE `database_facts` SET `snapshots` = `snapshots` - 1, `rawBytes` = `rawBytes` - OLD.`rawBytes`,
		`storedBytes` = `storedBytes` - OLD.`storedBytes` WHERE `databaseId` = OLD.`databaseId`;
END;--> statement-breakpoint
CREATE TRIGGER `backups_added` AFTER INSERT ON `jobs` WHEN NEW.`kind` = 'backup' BEGIN
	INSERT INTO `database_facts` (`databaseId`) SELECT NEW.`databaseId`
		WHERE NOT EXISTS (SELECT 1 FROM `database_facts` WHERE `databaseId` = NEW.`databaseId`);
	UPDATE `database_facts` SET `backupJobId` = NEW.`id`, `backupCreatedAt` = NEW.`createdAt`,
		`backupState` = NEW.`state`, `backupFinishedAt` = NEW.`finishedAt`
		WHERE `databaseId` = NEW.`databaseId` AND coalesce(`backupCreatedAt`, 0) <= NEW.`createdAt`;
END;--> statement-breakpoint
CREATE TRIGGER `backups_changed` AFTER UPDATE OF `state`, `finishedAt` ON `jobs` WHEN NEW.`kind` = 'backup' BEGIN
	UPDATE `database_facts` SET `backupState` = NEW.`state`, `backupFinishedAt` = NEW.`finishedAt`
		WHERE `databaseId` = NEW.`databaseId` AND `backupJobId` = NEW.`id`;
END;--> statement-breakpoint
CREATE TRIGGER `backups_removed` AFTER DELETE ON `jobs` WHEN OLD.`kind` = 'backup' BEGIN
	UPDATE `database_facts` SET (`backupJobId`, `backupCreatedAt`, `backupState`, `backupFinishedAt`) = (
		SELECT j.`id`, j.`createdAt`, j.`state`, j.`finishedAt` FROM `jobs` j
		WHERE j.`databaseId` = OLD.`databaseId` AND j.`kind` = 'backup' ORDER BY j.`createdAt` DESC LIMIT 1
	) WHERE `databaseId` = OLD.`databaseId` AND `backupJobId` = OLD.`id`;
END;--> statement-breakpoint
CREATE TRIGGER `packs_added` AFTER INSERT ON `packs` BEGIN
	INSERT INTO `vault_totals` (`vaultId`) SELECT NEW.`vaultId`
		WHERE NOT EXISTS (SELECT 1 FROM `vault_totals` WHERE `vaultId` = NEW.`vaultId`);
	UPDATE `vault_totals` SET `packs` = `packs` + 1, `bytes` = `bytes` + NEW.`length` WHERE `vaultId` = NEW.`vaultId`;
END;--> statement-breakpoint
CREATE TRIGGER `packs_removed` AFTER DELETE ON `packs` BEGIN
	UPDATE `vault_totals` SET `packs` = `packs` - 1, `bytes` = `bytes` - OLD.`length` WHERE `vaultId` = OLD.`vaultId`;
END;
