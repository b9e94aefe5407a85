"""What a database says its schema is, in a form that two databases can be compared by."""

import asyncio
import sqlite3
from pathlib import Path

import asyncpg

Schema = dict[str, list[tuple[object, ...]]]

_POSTGRES = {
    "columns": """
        SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid)
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid LEFT JOIN pg_attrdef d
            ON d.adrelid = c.oid AND d.adnum = a.attnum
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
            AND a.attnum > 0 AND NOT a.attisdropped
    """,
    "constraints": """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND conrelid <> 0
    """,
    "indexes": "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "triggers": "SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
    "functions": """
        SELECT proname, pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    """,
}


def of_sqlite(path: Path) -> Schema:
    with sqlite3.connect(path) as db:
        tables = sorted(
            (name, *flags)
            for _, name, kind, *flags in db.execute("PRAGMA table_list")
            if kind == "table" and not name.startswith("sqlite_")
        )
        schema: Schema = {"tables": tables}
        for name, *_ in tables:
            schema[f"{name}: columns"] = sorted(row[1:] for row in db.execute(f"PRAGMA table_xinfo({name})"))
            schema[f"{name}: foreign keys"] = sorted(row[2:] for row in db.execute(f"PRAGMA foreign_key_list({name})"))
        definitions = db.execute("SELECT type, name, coalesce(sql, '') FROM sqlite_schema WHERE type <> 'table'")
        schema["indexes and triggers"] = sorted((kind, name, " ".join(sql.split())) for kind, name, sql in definitions)
    db.close()
    return schema


def of_postgres(url: str) -> Schema:
    async def read() -> Schema:
        connection = await asyncpg.connect(url)
        try:
            return {
                name: sorted((tuple(row) for row in await connection.fetch(query)), key=repr)
                for name, query in _POSTGRES.items()
            }
        finally:
            await connection.close()

    return asyncio.run(read())
