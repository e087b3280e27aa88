//! A shop, and views over it that are maintained: one a figure of groups, one a row of its own with what it joins.

use entourage::{Database, prelude::*};

#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "buyers")]
#[entity(has_many(purchases: Purchase))]
pub struct Buyer {
    #[entity(primary_key, generated)]
    pub id: i64,
    #[entity(length = 50)]
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "purchases")]
#[entity(belongs_to(buyer: Buyer))]
#[entity(has_many(items: Item))]
#[entity(has_one(card: PurchaseCard))]
pub struct Purchase {
    #[entity(primary_key, generated)]
    pub id: i64,
    #[entity(index)]
    pub buyer_id: i64,
    #[entity(length = 50)]
    pub title: String,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "items")]
#[entity(belongs_to(purchase: Purchase, on_delete = cascade))]
pub struct Item {
    #[entity(primary_key, generated)]
    pub id: i64,
    #[entity(index)]
    pub purchase_id: i64,
    pub cents: i64,
    #[entity(length = 20)]
    pub sort: Option<String>,
}

/// One row a group: a purchase without items has none.
#[derive(Debug, Clone, PartialEq, View)]
#[view(name = "totals")]
#[view(maintained(Item = purchase_id, Purchase = id))]
#[view(
    query = "SELECT i.purchase_id, COUNT(*) AS items, SUM(i.cents) AS cents, MAX(i.sort) AS last_sort
    FROM (SELECT *, 1 AS found, 2 AS held FROM items WHERE 1 = 1) i JOIN purchases p ON p.id = i.purchase_id
    WHERE found = 1 AND held = 2 GROUP BY i.purchase_id -- a group"
)]
pub struct Total {
    #[view(primary_key)]
    pub purchase_id: i64,
    pub items: i64,
    #[view(index)]
    pub cents: i64,
    #[view(length = 20)]
    pub last_sort: Option<String>,
}

/// [`Total`] with another query.
#[derive(Debug, Clone, PartialEq, View)]
#[view(name = "totals", maintained(Item = purchase_id, Purchase = id))]
#[view(
    query = "SELECT purchase_id, COUNT(*) AS items, SUM(cents) * 2 AS cents, MIN(sort) AS last_sort
    FROM items GROUP BY purchase_id"
)]
pub struct LaterTotal {
    #[view(primary_key)]
    pub purchase_id: i64,
    pub items: i64,
    #[view(index)]
    pub cents: i64,
    #[view(length = 20)]
    pub last_sort: Option<String>,
}

/// [`Total`] with a column more, and maintained by one entity more.
#[derive(Debug, Clone, PartialEq, View)]
#[view(name = "totals")]
#[view(maintained(Item = purchase_id, Purchase = id, Buyer = PURCHASES_OF))]
#[view(
    query = "SELECT i.purchase_id, COUNT(*) AS items, SUM(i.cents) AS cents, MAX(i.sort) AS last_sort, MAX(b.name) AS buyer
    FROM items i JOIN purchases p ON p.id = i.purchase_id JOIN buyers b ON b.id = p.buyer_id GROUP BY i.purchase_id"
)]
pub struct WideTotal {
    #[view(primary_key)]
    pub purchase_id: i64,
    pub items: i64,
    #[view(index)]
    pub cents: i64,
    #[view(length = 20)]
    pub last_sort: Option<String>,
    #[view(length = 50)]
    pub buyer: String,
}

/// A buyer leads to his purchases.
const PURCHASES_OF: &str = "SELECT id FROM purchases WHERE buyer_id = {row}.id";

/// Purchases of four items and more: a write may leave no row.
#[derive(Debug, Clone, PartialEq, View)]
#[view(name = "large_purchases", maintained(Item = purchase_id, Purchase = id))]
#[view(
    query = "SELECT purchase_id, COUNT(*) AS items FROM items GROUP BY purchase_id HAVING COUNT(*) >= 4"
)]
pub struct LargePurchase {
    #[view(primary_key)]
    pub purchase_id: i64,
    pub items: i64,
}

/// One row a purchase, with what is joined to it.
#[derive(Debug, Clone, PartialEq, View)]
#[view(name = "purchase_cards")]
#[view(maintained(
    Purchase = id,
    Item = purchase_id,
    Buyer = PURCHASES_OF,
))]
#[view(query = "SELECT p.id AS purchase_id, p.title, b.name AS buyer,
    (SELECT COUNT(*) FROM items i WHERE i.purchase_id = p.id) AS items
    FROM purchases p JOIN buyers b ON b.id = p.buyer_id")]
#[view(belongs_to(purchase: Purchase))]
pub struct PurchaseCard {
    #[view(primary_key)]
    pub purchase_id: i64,
    #[view(length = 50)]
    pub title: String,
    #[view(length = 50)]
    pub buyer: String,
    pub items: i64,
}

/// One row for each kind of thing in a purchase: the key has two columns.
#[derive(Debug, Clone, PartialEq, View)]
#[view(name = "sorts")]
#[view(maintained(Item = (purchase_id, sort), Purchase = "SELECT purchase_id, sort FROM items WHERE purchase_id = {row}.id"))]
#[view(
    query = "SELECT purchase_id, sort, SUM(cents) AS cents FROM items WHERE sort IS NOT NULL GROUP BY purchase_id, sort"
)]
pub struct Sort {
    #[view(primary_key)]
    pub purchase_id: i64,
    #[view(primary_key, length = 20)]
    pub sort: String,
    pub cents: i64,
}

/// Its buyers lead nowhere.
#[derive(Debug, Clone, PartialEq, View)]
#[view(
    name = "misled",
    maintained(Buyer = "SELECT {row}.nothing_of_that_name")
)]
#[view(query = "SELECT id, name FROM buyers")]
pub struct Misled {
    #[view(primary_key)]
    pub id: i64,
    #[view(length = 50)]
    pub name: String,
}

/// The tables alone.
pub type Shop = (Buyer, Purchase, Item);

pub fn item(purchase_id: i64, cents: i64) -> NewItem {
    NewItem {
        purchase_id,
        cents,
        sort: None,
    }
}

/// Two buyers; the first has a purchase of two items and one of none, the second one of one item.
pub async fn seed(db: &Database) -> Result<(Vec<Buyer>, Vec<Purchase>)> {
    db.create_schema::<Shop>().await?;
    let buyers = ["Ada", "Bea"].map(|name| NewBuyer { name: name.into() });
    let buyers = BuyerRepository::new(db).insert_many(buyers).await?;
    let purchases = [(0, "Looms"), (0, "Nothing"), (1, "Gears")];
    let purchases = purchases.map(|(buyer, title)| NewPurchase {
        buyer_id: buyers[buyer].id,
        title: title.into(),
    });
    let purchases = PurchaseRepository::new(db).insert_many(purchases).await?;
    let items = [
        item(purchases[0].id, 100),
        item(purchases[0].id, 250),
        item(purchases[2].id, 5),
    ];
    ItemRepository::new(db).insert_many(items).await?;
    Ok((buyers, purchases))
}
