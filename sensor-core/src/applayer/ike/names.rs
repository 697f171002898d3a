//! Names of IKE's numbers: those of EVE, by IANA's registries.

/// An attribute of version 1 (RFC 2409 appendix A).
#[derive(Debug)]
pub(super) struct Attribute {
    pub kind: u16,
    pub name: &'static str,
    /// The name of its number.
    pub raw: &'static str,
    pub values: &'static [(u32, &'static str)],
}

const fn attribute(
    kind: u16,
    name: &'static str,
    raw: &'static str,
    values: &'static [(u32, &'static str)],
) -> Attribute {
    Attribute { kind, name, raw, values }
}

pub(super) static ATTRIBUTES: [Attribute; 10] = [
    attribute(
        1,
        "alg_enc",
        "alg_enc_raw",
        &[
            (1, "EncDesCbc"),
            (2, "EncIdeaCbc"),
            (3, "EncBlowfishCbc"),
            (4, "EncRc5R16B64Cbc"),
            (5, "EncTripleDesCbc"),
            (6, "EncCastCbc"),
            (7, "EncAesCbc"),
            (8, "EncCamelliaCbc"),
        ],
    ),
    attribute(
        2,
        "alg_hash",
        "alg_hash_raw",
        &[
            (1, "HashMd5"),
            (2, "HashSha"),
            (3, "HashTiger"),
            (4, "HashSha2_256"),
            (5, "HashSha2_384"),
            (6, "HashSha2_512"),
        ],
    ),
    attribute(
        3,
        "alg_auth",
        "alg_auth_raw",
        &[
            (1, "AuthPreSharedKey"),
            (2, "AuthDssSignatures"),
            (3, "AuthRsaSignatures"),
            (4, "AuthEncryptionWithRsa"),
            (5, "AuthRevisedEncryptionWithRsa"),
            (9, "AuthEcdsaSha256"),
            (10, "AuthEcdsaSha384"),
            (11, "AuthEcdsaSha512"),
        ],
    ),
    attribute(
        4,
        "alg_dh",
        "alg_dh_raw",
        &[
            (1, "GroupDefault768BitModp"),
            (2, "GroupAlternate1024BitModpGroup"),
            (3, "GroupEc2nOnGp2p155"),
            (4, "GroupEc2nOnGp2p185"),
            (5, "GroupModp1536Bit"),
            (14, "GroupModp2048Bit"),
            (15, "GroupModp3072Bit"),
            (16, "GroupModp4096Bit"),
            (17, "GroupModp6144Bit"),
            (18, "GroupModp8192Bit"),
            (19, "GroupRandomEcp256"),
            (20, "GroupRandomEcp384"),
            (21, "GroupRandomEcp521"),
        ],
    ),
    attribute(
        5,
        "sa_group_type",
        "sa_group_type_raw",
        &[(1, "GroupTypeModp"), (2, "GroupTypeEcp"), (3, "GroupTypeEc2n")],
    ),
    attribute(11, "sa_life_type", "sa_life_type_raw", &[(1, "LifeTypeSeconds"), (2, "LifeTypeKilobytes")]),
    attribute(12, "sa_life_duration", "sa_life_duration_raw", &[]),
    attribute(13, "alg_prf", "alg_prf_raw", &[]),
    attribute(14, "sa_key_length", "sa_key_length_raw", &[]),
    attribute(15, "sa_field_size", "sa_field_size_raw", &[]),
];

/// Payloads of version 1 (RFC 2408 section 3.1, RFC 3947).
pub(super) fn payload1(kind: u8) -> &'static str {
    const NAMES: [&str; 23] = [
        "NoNextPayload",
        "SecurityAssociation",
        "Proposal",
        "Transform",
        "KeyExchange",
        "Identification",
        "Certificate",
        "CertificateRequest",
        "Hash",
        "Signature",
        "Nonce",
        "Notification",
        "Delete",
        "VendorID",
        "Reserved",
        "SaKekPayload",
        "SaTekPayload",
        "KeyDownload",
        "SequenceNumber",
        "ProofOfPossession",
        "NatDiscovery",
        "NatOriginalAddress",
        "GroupAssociatedPolicy",
    ];
    NAMES.get(usize::from(kind)).copied().unwrap_or("Unknown")
}

/// Payloads of version 2 (RFC 7296 section 3.2, RFC 7383).
pub(super) fn payload2(kind: u8) -> &'static str {
    const NAMES: [&str; 21] = [
        "SecurityAssociation",
        "KeyExchange",
        "IdentInitiator",
        "IdentResponder",
        "Certificate",
        "CertificateRequest",
        "Authentication",
        "Nonce",
        "Notify",
        "Delete",
        "VendorID",
        "TrafficSelectorInitiator",
        "TrafficSelectorResponder",
        "EncryptedAndAuthenticated",
        "Configuration",
        "ExtensibleAuthentication",
        "GenericSecurePasswordMethod",
        "GroupIdentification",
        "GroupSecurityAssociation",
        "KeyDownload",
        "EncryptedAndAuthenticatedFragment",
    ];
    if kind == 0 {
        return "NoNextPayload";
    }
    kind.checked_sub(33).and_then(|place| NAMES.get(usize::from(place))).copied().unwrap_or("Unknown")
}

/// Whether an encryption of version 2 authenticates, too.
pub(super) fn is_aead(number: u16) -> bool {
    matches!(number, 14..=16 | 18..=20 | 25..=28)
}

pub(super) const ENCRYPTION: &[(u16, &str)] = &[
    (1, "ENCR_DES_IV64"),
    (2, "ENCR_DES"),
    (3, "ENCR_3DES"),
    (4, "ENCR_RC5"),
    (5, "ENCR_IDEA"),
    (6, "ENCR_CAST"),
    (7, "ENCR_BLOWFISH"),
    (8, "ENCR_3IDEA"),
    (9, "ENCR_DES_IV32"),
    (11, "ENCR_NULL"),
    (12, "ENCR_AES_CBC"),
    (13, "ENCR_AES_CTR"),
    (14, "ENCR_AES_CCM_8"),
    (15, "ENCR_AES_CCM_12"),
    (16, "ENCR_AES_CCM_16"),
    (18, "ENCR_AES_GCM_8"),
    (19, "ENCR_AES_GCM_12"),
    (20, "ENCR_AES_GCM_16"),
    (21, "ENCR_NULL_AUTH_AES_GMAC"),
    (23, "ENCR_CAMELLIA_CBC"),
    (24, "ENCR_CAMELLIA_CTR"),
    (25, "ENCR_CAMELLIA_CCM_8"),
    (26, "ENCR_CAMELLIA_CCM_12"),
    (27, "ENCR_CAMELLIA_CCM_16"),
    (28, "ENCR_CHACHA20_POLY1305"),
];

pub(super) const PRF: &[(u16, &str)] = &[
    (0, "PRF_NULL"),
    (1, "PRF_HMAC_MD5"),
    (2, "PRF_HMAC_SHA1"),
    (3, "PRF_HMAC_TIGER"),
    (4, "PRF_AES128_XCBC"),
    (5, "PRF_HMAC_SHA2_256"),
    (6, "PRF_HMAC_SHA2_384"),
    (7, "PRF_HMAC_SHA2_512"),
    (8, "PRF_AES128_CMAC"),
];

pub(super) const INTEGRITY: &[(u16, &str)] = &[
    (0, "NONE"),
    (1, "AUTH_HMAC_MD5_96"),
    (2, "AUTH_HMAC_SHA1_96"),
    (3, "AUTH_DES_MAC"),
    (4, "AUTH_KPDK_MD5"),
    (5, "AUTH_AES_XCBC_96"),
    (6, "AUTH_HMAC_MD5_128"),
    (7, "AUTH_HMAC_SHA1_160"),
    (8, "AUTH_AES_CMAC_96"),
    (9, "AUTH_AES_128_GMAC"),
    (10, "AUTH_AES_192_GMAC"),
    (11, "AUTH_AES_256_GMAC"),
    (12, "AUTH_HMAC_SHA2_256_128"),
    (13, "AUTH_HMAC_SHA2_384_192"),
    (14, "AUTH_HMAC_SHA2_512_256"),
];

pub(super) const GROUPS: &[(u16, &str)] = &[
    (0, "None"),
    (1, "Modp768"),
    (2, "Modp1024"),
    (5, "Modp1536"),
    (14, "Modp2048"),
    (15, "Modp3072"),
    (16, "Modp4096"),
    (17, "Modp6144"),
    (18, "Modp8192"),
    (19, "Ecp256"),
    (20, "Ecp384"),
    (21, "Ecp521"),
    (22, "Modp1024s160"),
    (23, "Modp2048s224"),
    (24, "Modp2048s256"),
    (25, "Ecp192"),
    (26, "Ecp224"),
    (27, "BrainpoolP224r1"),
    (28, "BrainpoolP256r1"),
    (29, "BrainpoolP384r1"),
    (30, "BrainpoolP512r1"),
    (31, "Curve25519"),
    (32, "Curve448"),
];

pub(super) const SEQUENCE: &[(u16, &str)] = &[(0, "NoESN"), (1, "ESN")];

pub(super) const NOTIFICATIONS: &[(u16, &str)] = &[
    (1, "UNSUPPORTED_CRITICAL_PAYLOAD"),
    (4, "INVALID_IKE_SPI"),
    (5, "INVALID_MAJOR_VERSION"),
    (7, "INVALID_SYNTAX"),
    (9, "INVALID_MESSAGE_ID"),
    (11, "INVALID_SPI"),
    (14, "NO_PROPOSAL_CHOSEN"),
    (17, "INVALID_KE_PAYLOAD"),
    (24, "AUTHENTICATION_FAILED"),
    (34, "SINGLE_PAIR_REQUIRED"),
    (35, "NO_ADDITIONAL_SAS"),
    (36, "INTERNAL_ADDRESS_FAILURE"),
    (37, "FAILED_CP_REQUIRED"),
    (38, "TS_UNACCEPTABLE"),
    (39, "INVALID_SELECTORS"),
    (43, "TEMPORARY_FAILURE"),
    (44, "CHILD_SA_NOT_FOUND"),
    (16384, "INITIAL_CONTACT"),
    (16385, "SET_WINDOW_SIZE"),
    (16386, "ADDITIONAL_TS_POSSIBLE"),
    (16387, "IPCOMP_SUPPORTED"),
    (16388, "NAT_DETECTION_SOURCE_IP"),
    (16389, "NAT_DETECTION_DESTINATION_IP"),
    (16390, "COOKIE"),
    (16391, "USE_TRANSPORT_MODE"),
    (16392, "HTTP_CERT_LOOKUP_SUPPORTED"),
    (16393, "REKEY_SA"),
    (16394, "ESP_TFC_PADDING_NOT_SUPPORTED"),
    (16395, "NON_FIRST_FRAGMENTS_ALSO"),
    (16396, "MOBIKE_SUPPORTED"),
    (16406, "REDIRECT_SUPPORTED"),
    (16430, "FRAGMENTATION_SUPPORTED"),
    (16431, "SIGNATURE_HASH_ALGORITHMS"),
];
