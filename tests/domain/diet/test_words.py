"""What each word means: members and hidden derivatives of the groups, false friends, claims, spellings."""

from __future__ import annotations

from components.domain.diet import DishFacts, Restrictions
from components.domain.diet.permitted import evidence
from tests.domain.diet.both_ways import is_offered
from tests.tables import whole_table

CONTAINS = {
    "gluten": (
        "wheat; spelt; kamut; semolina; couscous; bulgur; seitan; panko; soy sauce; egg "
        "noodles; oats; oat milk; gluten-rich bread; barley malt; beer; freekeh; Weizenmehl; "
        "Käsespätzle; Dinkel; pain; farine de blé; farro; pane; harina de trigo; udon; fresh "
        "pasta; croutons; doughnut; ginger nut; 200 g plain flour; Haferflocken; rye bread"
    ),
    "crustaceans": (
        "prawns; shrimp paste; crab; lobster; langoustines; crevettes; gamberi; Garnelen; gambas; crayfish"
    ),
    "eggs": (
        "egg; egg yolks; mayonnaise; meringue; aioli; lemon curd; Eigelb; œufs; oeufs; uova; "
        "huevos; E1105; albumen; Eiersalat; omelette; egg noodles; Rührei; tortilla de "
        "patatas; Spätzle"
    ),
    "fish": (
        "cod; Caesar salad; anchovies; fish sauce; Worcestershire sauce; surimi; caviar; "
        "dashi; Bombay duck; monkfish; acciughe; Thunfisch; saumon fumé; boquerones; "
        "swordfish; nuoc mam; Lachsfilet; tuna in olive oil; bonito flakes"
    ),
    "peanuts": (
        "peanuts; peanut butter; satay sauce; arachis oil; groundnut oil; Erdnussbutter; "
        "cacahuètes; nuts; arachidi; cacahuetes; monkey nuts"
    ),
    "soy": (
        "soya; tofu; tempeh; edamame; miso; soy sauce; Sojasauce; soy milk; sauce soja; soya lecithin; natto"
    ),
    "milk": (
        "milk; butter; whey; casein; ghee; paneer; pecorino cheese; cream; yoghurt; beurre "
        "noisette; lemon curd; Vollmilch; Käsespätzle; fromage; burro; queso; Sahne; quark; "
        "Welsh rabbit; milk chocolate; lactose-free milk; crème fraîche; creme fraiche; CRÈME "
        "FRAÎCHE; Kaese; buttermilk; goats' cheese; skimmed milk powder"
    ),
    "tree_nuts": (
        "almonds; Haselnusskuchen; walnut; marzipan; praline; gianduja; nougat; frangipane; "
        "noix; noisettes; nocciole; almendras; Cashewkerne; pistachios; pecan pie; almond "
        "milk; nuts; noci; mandorle; nutella"
    ),
    "celery": "celery; celeriac; Sellerie; céleri-rave; sedano; apio; celery salt",
    "mustard": "mustard; Dijon mustard; Senf; moutarde; senape; mostaza; mustard seeds; Senfkörner",
    "sesame": "sesame; tahini; halva; Sesam; hummus; sésame; za'atar; gomasio; ajonjolí",
    "sulphites": (
        "wine; red wine vinegar; dried apricots; sulphur dioxide; E220; E228; E 223; "
        "Weißwein; sodium metabisulphite"
    ),
    "lupin": "lupin flour; lupini beans; Lupinenmehl; altramuces; farine de lupin",
    "molluscs": (
        "oyster sauce; squid; octopus; snails; mussels; clams; scallops; noix de "
        "Saint-Jacques; calamari; vongole; seppia; Tintenfisch; moules; mejillones; "
        "cuttlefish ink"
    ),
}
MAY = {
    "celery": "stock cubes; vegetable stock; Gemüsebrühe; bouillon; brodo vegetale",
    "soy": "dark chocolate; E322; E471; vegan cheese",
    "eggs": "fresh pasta; E322; gnocchi",
    "milk": "chocolate; margarine; sausage; sauce",
    "mustard": "curry powder; salad dressing; sausage",
    "sesame": "seeded bun; mixed seeds",
    "tree_nuts": "pesto; pine nuts; chocolate; vegan cheese",
    "gluten": "crispy chicken; sausage; Worcestershire sauce; miso; baking powder; stock",
    "sulphites": "vinegar; raisins; sauerkraut; beer; dried pears; pears, dried",
    "fish": "curry paste; kimchi; seafood",
}
FREE = {
    "tree_nuts": (
        "coconut; coconut milk; nutmeg; butternut squash; water chestnuts; chestnuts; "
        "doughnut peach; peanut butter; noix de coco; noix de muscade; Muskatnuss; "
        "Kokosmilch; noisettes d'agneau; noix de Saint-Jacques; Erdnüsse; tiger nuts"
    ),
    "peanuts": "coconut; nutmeg; almonds; butter beans; pea protein",
    "milk": (
        "coconut milk; cocoa butter; shea butter; butter beans; butternut squash; peanut "
        "butter; oat milk; soy milk; almond milk; cream of tartar; coconut cream; Kokosmilch; "
        "lait de coco; latte di mandorle; leche de soja; butterhead lettuce; buttercup "
        "squash; creamed coconut; apple butter; milk thistle; head cheese; dairy-free spelt; "
        "ice; crème de marrons; Sojasahne; kakaobutter; oat cream"
    ),
    "gluten": (
        "buckwheat; buckwheat flour; rice noodles; glass noodles; rice flour; gluten-free "
        "oats; corn tortillas; polenta; glutenfreie Haferflocken; sarrasin; grano saraceno; "
        "sweet potato noodles; gluten free pasta; farina di riso; maïs; Reismehl; Maisstärke; "
        "quinoa; pasta senza glutine; harina de maíz; rice paper; chickpea flour; tapioca "
        "starch"
    ),
    "eggs": "eggplant; egg plant; eggplants; Aubergine; chia egg; aquafaba; egg-free ravioli",
    "fish": "oyster mushrooms; fish mint; coconut; crab apples; beef; Peking duck; anise",
    "crustaceans": "crab apple; crab apples; crabapples; oyster mushrooms; mussels; fish",
    "molluscs": (
        "oyster mushrooms; Austernpilze; king oyster mushroom; scalloped potatoes; prawns; "
        "snail-free lettuce; salsify"
    ),
    "sesame": "sunflower seeds; poppy seeds; pumpkin seeds; flaxseed",
    "soy": "black beans; mung beans; coconut aminos; olive oil; sunflower lecithin",
    "celery": "celtuce; parsley root; fennel; parsnip",
    "mustard": "horseradish; rapeseed oil; rocket; custard",
    "sulphites": "grapes; fresh lemon juice; potatoes; sugar; grape leaves",
    "lupin": "beans; chickpeas; lentils; flour",
}
UNKNOWN = (
    "zorgblat; 豆腐; молоко; m1lk; ｍｉｌｋ zorg; fresh chopped; 500; mіlk; рlain rice; crème "
    "anglaisy thing; ᴍɪʟᴋ"
)


def strength_of(ingredient: str, group: str) -> str:
    dish = DishFacts("d", "Dish of the day", ingredients=(ingredient,))
    strength = evidence(dish)[group].strength.name
    assert is_offered(dish, Restrictions(allergies=(group,))) == (strength == "FREE")
    return strength


def cases(table: dict[str, str]) -> list[tuple[str, str]]:
    return [(group, word.strip()) for group, words in table.items() for word in words.split(";")]


@whole_table("group word", cases(CONTAINS))
def test_a_word_contains_its_group(group: str, word: str) -> None:
    assert strength_of(word, group) == "CONTAINS"
    assert strength_of(word.upper(), group) == "CONTAINS"


@whole_table("group word", cases(MAY))
def test_a_word_of_varying_composition_may_contain(group: str, word: str) -> None:
    assert strength_of(word, group) == "MAY_CONTAIN"


@whole_table("group word", cases(FREE))
def test_a_false_friend_or_another_food_is_free(group: str, word: str) -> None:
    assert strength_of(word, group) == "FREE"


@whole_table("word", [word.strip() for word in UNKNOWN.split(";")])
def test_what_is_not_understood_is_never_free(word: str) -> None:
    assert strength_of(word, "sesame") == "UNKNOWN"


@whole_table("word", [
    "mi\u200blk", "MILK", "ｍｉｌｋ", "m\u0131lk", "mi\u00adlk", "𝐦𝐢𝐥𝐤", "m.i.l.k.", "m i l k", "🥛", "Mílk",
    "milk's", "“milk”", "whole  milk (3,5 % fat)", "50ml milk", "milk/cream", "organic milk*", "m\u0336ilk",
])  # fmt: skip
def test_a_spelling_does_not_hide_a_word(word: str) -> None:
    assert strength_of(word, "milk") == "CONTAINS"
