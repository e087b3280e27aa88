SELECT "users"."id", "users"."email", "users"."name", "users"."age", "users"."visits", "users"."version" FROM "users";
SELECT "posts"."id", "posts"."author_id", "posts"."editor_id", "posts"."title", "posts"."likes", "posts"."rating", "posts"."published_at" FROM "posts" WHERE "posts"."author_id" IN (SELECT value FROM json_each(?) AS "t1");
