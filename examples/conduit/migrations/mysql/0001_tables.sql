-- Names, slugs and tags are told apart by their bytes, as on the other databases.
CREATE TABLE users (
    id            bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,
    username      varchar(100) NOT NULL,
    email         varchar(200) NOT NULL,
    password_hash longtext NOT NULL,
    bio           longtext NOT NULL,
    image         longtext NOT NULL,
    created_at    datetime(6) NOT NULL,
    UNIQUE KEY users_username_key (username),
    UNIQUE KEY users_email_key (email)
) DEFAULT CHARSET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE follows (
    follower_id bigint NOT NULL,
    followed_id bigint NOT NULL,
    PRIMARY KEY (follower_id, followed_id),
    KEY follows_followed_id_idx (followed_id),
    FOREIGN KEY (follower_id) REFERENCES users (id) ON DELETE CASCADE,
    FOREIGN KEY (followed_id) REFERENCES users (id) ON DELETE CASCADE
) DEFAULT CHARSET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE articles (
    id          bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,
    author_id   bigint NOT NULL,
    slug        varchar(150) NOT NULL,
    title       varchar(200) NOT NULL,
    description longtext NOT NULL,
    body        longtext NOT NULL,
    created_at  datetime(6) NOT NULL,
    updated_at  datetime(6) NOT NULL,
    UNIQUE KEY articles_slug_key (slug),
    KEY articles_author_id_idx (author_id),
    FOREIGN KEY (author_id) REFERENCES users (id) ON DELETE CASCADE
) DEFAULT CHARSET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE favorites (
    user_id    bigint NOT NULL,
    article_id bigint NOT NULL,
    PRIMARY KEY (user_id, article_id),
    KEY favorites_article_id_idx (article_id),
    FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    FOREIGN KEY (article_id) REFERENCES articles (id) ON DELETE CASCADE
) DEFAULT CHARSET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE tags (
    id   bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name varchar(50) NOT NULL,
    UNIQUE KEY tags_name_key (name)
) DEFAULT CHARSET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE article_tags (
    article_id bigint NOT NULL,
    tag_id     bigint NOT NULL,
    position   int NOT NULL,
    PRIMARY KEY (article_id, tag_id),
    KEY article_tags_tag_id_idx (tag_id),
    FOREIGN KEY (article_id) REFERENCES articles (id) ON DELETE CASCADE,
    FOREIGN KEY (tag_id) REFERENCES tags (id) ON DELETE CASCADE
) DEFAULT CHARSET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE comments (
    id         bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,
    article_id bigint NOT NULL,
    author_id  bigint NOT NULL,
    body       longtext NOT NULL,
    created_at datetime(6) NOT NULL,
    updated_at datetime(6) NOT NULL,
    KEY comments_article_id_idx (article_id),
    KEY comments_author_id_idx (author_id),
    FOREIGN KEY (article_id) REFERENCES articles (id) ON DELETE CASCADE,
    FOREIGN KEY (author_id) REFERENCES users (id) ON DELETE CASCADE
) DEFAULT CHARSET utf8mb4 COLLATE utf8mb4_bin;
