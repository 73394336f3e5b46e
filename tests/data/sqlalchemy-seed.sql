-- Rows for the tables of sqlalchemy-sample.json.  Statements end with a
-- semicolon at the end of a line.
INSERT INTO categories (id, parent_id, name) VALUES
    (1, NULL, 'furniture'), (2, 1, 'seats'), (3, 2, 'chairs'),
    (4, NULL, 'books');
INSERT INTO users (id, name, email, age, active, manager_id, tags, data,
                   balance, created_at) VALUES
    (1, 'ann', 'ann@x', 41, true, NULL, '{red,blue}',
     '{"a": 1, "b": "x", "c": {"d": 2}, "list": [7, 8]}', 10.50,
     '2024-01-01 10:00'),
    (2, 'bob', 'bob@x', 17, true, 1, '{a,b}', '{"a": 5, "z": null}', 0,
     '2024-02-01 11:30'),
    (3, 'cid', NULL, 30, false, 1, NULL, NULL, NULL, '2024-03-01'),
    (4, 'dan', 'DAN@X', 70, true, 2, '{}', '{"b": "y"}', -3.25,
     '2019-12-31 23:59:59.5'),
    (5, 'Eve', 'eve@x', NULL, false, 4, '{b,c d,"e\"f",NULL}', '{}', 100,
     '2024-05-05');
INSERT INTO orders (id, user_id, status, total, placed_at, note) VALUES
    (1, 1, 'new', 10, '2024-01-15', 'first'),
    (2, 1, 'paid', 25.5, '2024-02-20 08:00', NULL),
    (3, 2, 'paid', 5, '2024-02-28 12:00', ''),
    (4, 2, 'shipped', 120, '2024-06-01', 'x'),
    (5, 4, 'new', 15, NULL, NULL);
INSERT INTO products (id, sku, name, price, stock, attrs, search, valid,
                      category_id) VALUES
    (1, 's', 'Red chair', 49.90, 10, '{"color": "red"}',
     to_tsvector('english', 'red chair'), '[2024-01-01,2024-12-01)', 3),
    (2, 'table', 'Blue table', 199, 0, '{}',
     to_tsvector('english', 'blue table'), '[2020-01-01,2023-01-01)', 1),
    (3, 'book', 'A book', 5, 300, NULL, NULL, NULL, 4),
    (4, 'stool', 'Blue stool', 20, 3, '{"legs": 3}',
     to_tsvector('english', 'blue stool'), '[2025-01-01,)', 2),
    (5, 'sofa', 'Sofa', 500, 1, NULL, NULL, '[2023-01-01,2040-01-01)', 2);
INSERT INTO items (order_id, product_id, qty, price) VALUES
    (1, 1, 1, 10), (2, 1, 2, 20), (2, 3, 1, 5.5), (4, 2, 1, 100),
    (4, 4, 5, 4), (5, 1, 9, 1), (5, 2, 2, 2);
INSERT INTO crm.accounts (id, user_id, label) VALUES
    (1, 1, 'main'), (2, 1, 'spare'), (3, 99, 'nobody');
INSERT INTO "select" (id, "group", "Mixed Case", "we""ird", "order%") VALUES
    (1, 'g', 'm', NULL, 2), (2, 'g', 'm', 'w', 5), (3, 'h', NULL, NULL, 1);
CREATE UNIQUE INDEX ON products (name) WHERE stock > 0;
ALTER TABLE users ALTER created_at SET DEFAULT '2024-07-07';

-- Before each statement: numbers of sequences outlive a rollback.
CREATE FUNCTION corpus_reset() RETURNS bigint LANGUAGE sql AS
    'SELECT sum(setval(s, 1000)) FROM unnest(ARRAY[''users_id_seq'',
     ''orders_id_seq'', ''products_id_seq'', ''categories_id_seq'',
     ''crm.accounts_id_seq'', ''select_id_seq'']) AS s';

-- After it: what the tables have become.
CREATE VIEW corpus_state AS
    SELECT 'users' AS name, md5(string_agg(t::text, ';' ORDER BY t::text))
        FROM users t UNION ALL
    SELECT 'orders', md5(string_agg(t::text, ';' ORDER BY t::text))
        FROM orders t UNION ALL
    SELECT 'products', md5(string_agg(t::text, ';' ORDER BY t::text))
        FROM products t UNION ALL
    SELECT 'categories', md5(string_agg(t::text, ';' ORDER BY t::text))
        FROM categories t UNION ALL
    SELECT 'items', md5(string_agg(t::text, ';' ORDER BY t::text))
        FROM items t UNION ALL
    SELECT 'accounts', md5(string_agg(t::text, ';' ORDER BY t::text))
        FROM crm.accounts t;
