import { openTables } from '../open-database.ts';

/** Opens the database in the folder given and writes until it is killed; says what was committed. */
const [dataFolder = ''] = process.argv.slice(2);
process.stdout.write('opening\n');
const { kysely } = await openTables({ dataFolder });
process.stdout.write('open\n');
const padding = 'x'.repeat(2000);
for (let round = Date.now() * 1000; ; round++) {
  await kysely.transaction().execute(async (transaction) => {
    for (const half of ['a', 'b']) {
      const value = JSON.stringify({ round, padding });
      await transaction
        .insertInto('settings')
        .values({ key: `${round}-${half}`, value })
        .execute();
    }
    // Many dirty pages, moved about.
    await transaction
      .updateTable('settings')
      .set({ value: JSON.stringify({ round, padding }) })
      .where('key', '<', `${round - 50}`)
      .where('key', '>', `${round - 100}`)
      .execute();
  });
  process.stdout.write(`committed ${round}\n`);
}
