"""The fields that files are mapped to: name, meaning, unit, and the headers that shops commonly give them.

This is the one declaration: the mapping, the guesses, the console's form and docs/reference/order-files.md follow it.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

TEXT, CODE, NUMBER, MONEY, INSTANT = "text", "code", "number", "money", "instant"


@dataclass(frozen=True)
class Field:
    """One canonical field. `form` says how its cells are read; `headers` are guessed, in order of preference."""

    name: str
    form: str
    doc: str
    label: str | Promise
    headers: tuple[str, ...] = ()
    required: bool = False
    choices: tuple[str, ...] = ()


def _field(name: str, form: str, label: str | Promise, doc: str, headers: str, **more: object) -> Field:
    listed = tuple(header.strip() for header in headers.split("|") if header.strip())
    return Field(
        name=name,
        form=form,
        doc=doc,
        label=label,
        headers=listed,
        required=bool(more.get("required")),
    )


ORDER_FIELDS: tuple[Field, ...] = (
    _field(
        "order_id",
        CODE,
        _("Order number"),
        "The shop's order number, unique within one source. Rows with the same number are lines of one order, wherever"
        " they stand in the file.",
        "订单编号|订单号|主订单编号|主订单号|线上订单号|平台订单号|交易编号|单号|order_id|order no|order number"
        "|order id"
        "|order_no|orderid|invoice|invoiceno|invoice no|invoice_no|invoice_id|transaction_id|transaction id"
        "|订单ID|订单|订单号码|交易单号|交易号|流水号|小票号|销售单号",
        required=True,
    ),
    _field(
        "paid_at",
        INSTANT,
        _("Paid at"),
        "When the order was paid. Times without a zone are in the brand's zone.",
        "订单付款时间|买家付款时间|付款时间|支付时间|支付完成时间|付款日期|支付日期|成交时间|成交日期|支付成功时间"
        "|交易时间|交易日期|销售时间|销售日期|消费时间|消费日期|购买时间|购买日期|订单日期|订单时间|日期|时间"
        "|paid_at|paid at"
        "|payment_time"
        "|payment time|pay_time|invoicedate|invoice_date|invoice date|order_purchase_timestamp|order_date"
        "|order date"
        "|orderdate|date|purchase_date|purchase date|transaction_date|transaction date|timestamp",
        required=True,
    ),
    _field(
        "customer_id",
        CODE,
        _("Customer number"),
        "The shop's own identifier of the buyer. Empty or masked (138****1234): an anonymous sale.",
        "买家会员名|买家账号|买家帐号|买家昵称|买家ID|用户ID|会员编号|会员号|会员卡号|客户编号|客户ID|会员ID|openid"
        "|买家手机号|会员卡|会员编码|会员账号|客户编码|客户号|顾客编号|顾客ID|用户编号|买家|会员|客户|顾客|用户名"
        "|customer_id|customer id|customerid|customer_unique_id|customer|customer no|customer_no"
        "|customer number|user_id|userid|user id|member_id|buyer_id|client_id|household_id",
    ),
    _field(
        "sku",
        CODE,
        _("Product code"),
        "The shop's product code. Without it the product name is the code.",
        "商家编码|规格编码|商品编码|SKU编码|SKU|货号|商品货号|商品ID|产品编码|商品编号|产品编号|商品代码|商品条码|条码"
        "|款号|款式编码|货品编码|货品编号|产品ID|物料编码|sku|sku_id|product_id|product id"
        "|productid"
        "|stockcode|stock_code|stock code|item_id|item id|itemid|product_code|product code|article",
    ),
    _field(
        "product_name",
        TEXT,
        _("Product name"),
        "What the product is called; kept in the catalog.",
        "商品名称|商品标题|宝贝标题|全部商品名称|选购商品|标题|产品名称|货品名称|商品名|商品|产品|品名|宝贝名称"
        "|product_name|product name|product"
        "|description|item_name|item name|title|product_title",
    ),
    _field(
        "quantity",
        NUMBER,
        _("Quantity"),
        "Pieces (or kg), up to four decimals. Negative: a refund of that many. Without a column: 1.",
        "商品数量|购买数量|宝贝总数量|数量|件数|销售数量|购买件数|销量|个数|quantity|qty|units|order_quantity"
        "|order quantity"
        "|item_quantity",
    ),
    _field(
        "unit_price",
        MONEY,
        _("Unit price"),
        "Price of one piece, in units of the brand's currency (yuan). The line amount is quantity × unit price, rounded"
        " half up to minor units, line by line.",
        "商品单价|单价|商品价格|价格|成交单价|销售单价|商品优惠后价格|售价|销售价|unit_price|unit price|unitprice|price"
        "|price_per_unit"
        "|sale_price|selling_price",
    ),
    _field(
        "amount",
        MONEY,
        _("Line amount"),
        "What was paid for the line. Where it is filled it is the line amount, in place of quantity × unit price.",
        "商品实际成交金额|实付金额|买家实付金额|买家实际支付金额|商品金额小计|成交金额|销售金额|订单实付金额|实付款"
        "|实付|实际支付金额|实收金额|实收|支付金额|付款金额|实际付款|交易金额|消费金额|商品金额|销售额|金额"
        "|总金额|总价|小计|订单金额|订单总额|amount"
        "|line_amount|line total|line_total|total_amount|total amount|totalamount|total_price|total price"
        "|totalprice"
        "|sales|revenue|total",
    ),
    _field(
        "discount",
        MONEY,
        _("Discount"),
        "Reduction of the line in units of the brand's currency; taken off quantity × unit price.",
        "优惠金额|商品优惠|店铺优惠（分摊）|优惠总金额|折扣金额|优惠|discount|discount_amount|discount amount",
    ),
    _field(
        "status",
        CODE,
        _("Order status"),
        "The shop's word for the order's state; Chinese and English ones are known, others are mapped with"
        " --map-value status:WORD=paid.",
        "订单状态|订单商品状态|交易状态|状态|支付状态|付款状态|status|order_status|order status|orderstatus"
        "|financial status",
    ),
    _field(
        "ordered_at",
        INSTANT,
        _("Ordered at"),
        "When the order was placed; used for orders that were never paid.",
        "订单创建时间|下单时间|订单提交时间|创建时间|拍下时间|下单日期|ordered_at|ordered at|created_at|created at"
        "|order_created_at",
    ),
    _field(
        "channel",
        CODE,
        _("Channel"),
        "Sales channel code.",
        "销售渠道|渠道|平台|订单来源|渠道名称|channel|sales_channel|sales channel|platform",
    ),
    _field(
        "store",
        CODE,
        _("Store"),
        "Store or shop code.",
        "店铺|店铺名称|归属店铺|门店|门店名称|店名|门店编码|门店编号|店铺编码|store|store_id|store id|shop|shop_name"
        "|branch|outlet",
    ),
    _field(
        "category",
        CODE,
        _("Category"),
        "Category of the product as the order reports it.",
        "商品分类|商品类目|类目|分类|产品分类|品类|商品类别|类别|category|product_category|product category"
        "|product_category_name"
        "|department",
    ),
    _field("brand", CODE, _("Product brand"), "Brand of the product.", "品牌|brand|product_brand"),
    _field(
        "refund_of",
        CODE,
        _("Refund of order"),
        "The order that this row refunds; makes the row a refund.",
        "原订单号|原订单编号|退款订单号|refund_of|original_order_id|original order",
    ),
    _field(
        "refund_status",
        CODE,
        _("Refund status"),
        "The shop's word for the state of a return: 退款成功 makes the row refunded, others leave it as it is.",
        "退款状态|商品退款状态|订单退款状态|售后状态|退货状态|refund_status|refund status",
    ),
    _field(
        "refund_amount",
        MONEY,
        _("Refunded amount"),
        "What went back of the row, in units of the brand's currency: all of it makes the row refunded, less"
        " makes it partly refunded, also where the status says 交易成功. Not counted where a refund status says that"
        " nothing went back (退款关闭, 卖家拒绝退款, 退款中 ...), or where the order was never paid or was closed."
        " Never more than the row is worth. The whole order's, taken off once and shared out over its rows by their"
        " worth: under a header of the order (退款总金额, 订单退款金额, 订单已退款金额, total_refund), or where all"
        " rows of an order repeat one amount that exceeds one of them. The row's own: under a header of the row"
        " (商品退款金额, 商品已退款金额). Under any other header rows that repeat one smaller amount are one refund of"
        " the order, unless rows of another order in the file differ, or it is all of each row; the report warns where"
        " that was a guess.",
        "退款金额|商品已退款金额|商品退款金额|已退款金额|退款总金额|订单退款金额|订单已退款金额|实退金额|退货金额"
        "|refund_amount|refund amount|refunded_amount",
    ),
    _field(
        "refunded_at",
        INSTANT,
        _("Refunded at"),
        "When it went back; without it, the time of payment.",
        "退款时间|退款完成时间|退款完结时间|refunded_at|refund_time|refund_date",
    ),
    _field(
        "order_type",
        CODE,
        _("Order type"),
        "normal, sample, staff or brushing (刷单).",
        "order_type|order type",
    ),
    _field(
        "phone",
        CODE,
        _("Phone"),
        "The buyer's own phone: whose it is on other orders is the same customer. Kept with the person, never in the"
        " lake; masked ones identify nobody.",
        "手机号|手机号码|手机|phone|mobile|phone_number|phone number|telephone",
    ),
    _field(
        "customer_name",
        TEXT,
        _("Customer name"),
        "The buyer's name. Kept with the person, never in the lake.",
        "买家姓名|客户姓名|会员姓名|客户名称|customer_name|customer name",
    ),
    _field(
        "recipient_phone",
        CODE,
        _("Recipient's phone"),
        "Phone of whom the parcel goes to, who may be somebody else: a contact detail where the buyer's own is not"
        " known; it identifies and joins nobody.",
        "收货人手机号/提货人手机号|收件手机号|收件人手机号|收件人电话|收货手机|收货手机号|收货人手机|收货人手机号"
        "|收货人电话|收货电话|收件人手机|联系手机|联系电话|recipient_phone|recipient phone|receiver_phone"
        "|receiver phone|shipping phone|shipping_phone",
    ),
    _field(
        "recipient_name",
        TEXT,
        _("Recipient's name"),
        "Name of whom the parcel goes to; shown where the buyer's own is not known.",
        "收货人姓名|收件人姓名|收货人/提货人|收件人|收货人|recipient_name|recipient name|receiver_name|receiver name"
        "|shipping name|shipping_name",
    ),
)

CUSTOMER_FIELDS: tuple[Field, ...] = (
    _field(
        "customer_id",
        CODE,
        _("Customer number"),
        "The shop's own identifier of the person; the same as in order files.",
        "会员编号|会员号|会员卡号|客户编号|客户ID|会员ID|用户ID|买家ID|买家会员名|买家昵称|customer_id|customer id"
        "|customerid|customer_unique_id|customer|user_id|user id|member_id|household_id|id",
        required=True,
    ),
    _field(
        "name",
        TEXT,
        _("Full name"),
        "The person's name.",
        "姓名|会员姓名|客户姓名|客户名称|昵称|name|customer_name|full name",
    ),
    _field(
        "phone",
        CODE,
        _("Phone"),
        "Phone as given; may be masked.",
        "手机号|手机号码|手机|联系电话|联系手机|phone|mobile|phone_number|telephone",
    ),
    _field(
        "registered_at",
        INSTANT,
        _("Registered at"),
        "When the shop first knew the person.",
        "注册时间|注册日期|入会时间|入会日期|成为会员时间|加入时间|成为客户时间|registered_at|registered at"
        "|created_at"
        "|registration_date|signup_date|join_date",
    ),
    _field(
        "birthday", TEXT, _("Birthday"), "Date of birth, as given.", "生日|出生日期|birthday|birth_date|birthdate|dob"
    ),
    _field("gender", TEXT, _("Gender"), "As given.", "性别|gender|sex"),
    _field("city", TEXT, _("City"), "As given.", "城市|所在城市|市|city|customer_city"),
)

PRODUCT_FIELDS: tuple[Field, ...] = (
    _field(
        "sku",
        CODE,
        _("Product code"),
        "The shop's product code; the same as in order files.",
        "商家编码|规格编码|商品编码|SKU编码|SKU|货号|商品ID|产品编码|sku|sku_id|product_id|product id|productid"
        "|stockcode"
        "|stock_code|item_id|product_code|id",
        required=True,
    ),
    _field(
        "name",
        TEXT,
        _("Product name"),
        "What the product is called.",
        "商品名称|商品标题|宝贝标题|标题|产品名称|名称|name|product_name|product name|title|description",
    ),
    _field(
        "category",
        CODE,
        _("Category"),
        "Category code that analyses group by.",
        "商品分类|商品类目|类目|分类|产品分类|category|product_category|product_category_name|product category"
        "|department",
    ),
    _field("brand", CODE, _("Product brand"), "Brand of the product.", "品牌|brand|product_brand"),
    _field(
        "list_price",
        MONEY,
        _("List price"),
        "Price on the tag, in units of the brand's currency.",
        "吊牌价|市场价|标价|原价|一口价|价格|list_price|list price|price|msrp",
    ),
)

KINDS: dict[str, tuple[Field, ...]] = {
    "orders": ORDER_FIELDS,
    "customers": CUSTOMER_FIELDS,
    "products": PRODUCT_FIELDS,
}
# Any further column of a customer file becomes an attribute by this prefix: attribute.age_band=年龄段
ATTRIBUTE_PREFIX = "attribute."


def fields_of(kind: str) -> dict[str, Field]:
    """The canonical fields of one kind of file, by name."""
    return {field.name: field for field in KINDS[kind]}


def label_of(kind: str, name: str) -> str:
    """What people call a field, in the reader's language."""
    field = find_field(kind, name)
    return str(field.label) if field else name


def find_field(kind: str, name: str) -> Field | None:
    """The field of that name; an `attribute.<name>` of a customer file is text."""
    if kind == "customers" and name.startswith(ATTRIBUTE_PREFIX) and name != ATTRIBUTE_PREFIX:
        return Field(name=name, form=TEXT, doc="A declared attribute of the person.", label=name)
    return fields_of(kind).get(name)
